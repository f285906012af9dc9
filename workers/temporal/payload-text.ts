import type { Payload } from '@temporalio/common'
import { findSecret, redactJson } from '../../activities/secrets/redact.ts'

/** What of a secret nature a payload holds, in words; undefined where there is nothing. */
export function secretIn(payload: Payload): string | undefined {
  const { data } = payload
  if (data == null || data.length === 0) return undefined
  return findSecret(Buffer.from(data.buffer, data.byteOffset, data.byteLength))
}

/** The payload with "[secret]" in the place of every secret; the very same one where it holds none. */
export function redactedPayload(payload: Payload): Payload {
  if (secretIn(payload) === undefined) return payload
  const text = redactJson(Buffer.from(payload.data ?? []).toString())
  const data = Buffer.from(text)
  // Bytes that are no text at all: nothing of them is worth the risk.
  if (secretIn({ data }) !== undefined) return { metadata: { encoding: Buffer.from('binary/null') } }
  return { ...payload, data }
}
