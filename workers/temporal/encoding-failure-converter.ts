import { RedactingFailureConverter } from '../../workflows/failure-converter.ts'
import { byValue } from './failure-converter.ts'

/** Used by worker and client where payloads are encrypted: messages of failures are then part of a payload too. */
export const failureConverter = new RedactingFailureConverter(byValue, { encodeCommonAttributes: true })
