import { RedactingFailureConverter, byForm } from './failure-converter.ts'

/** Used inside workflows where payloads are encrypted: messages of failures are then part of a payload too. */
export const failureConverter = new RedactingFailureConverter(byForm, { encodeCommonAttributes: true })
