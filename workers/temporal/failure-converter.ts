import { RedactingFailureConverter, type Redaction } from '../../workflows/failure-converter.ts'
import { redactText } from '../../activities/secrets/redact.ts'
import { redactedPayload } from './payload-text.ts'

/** The rule of worker and client, which know their secrets by value as well. */
export const byValue: Redaction = { text: redactText, payload: redactedPayload }

/** Used by worker and client; the SDK asks for this name. */
export const failureConverter = new RedactingFailureConverter(byValue)
