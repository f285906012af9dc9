import { defaultPayloadConverter, type Payload, type PayloadConverter } from '@temporalio/common'

/**
 * Reads what messages carry inside workflows. Anybody may signal with anything (tctl, batch operations), and a payload
 * that cannot be read would make the workflow task fail again and again: it counts as absent instead, and the handler
 * sees a doorbell without words.
 */
export const payloadConverter: PayloadConverter = {
  toPayload: (value) => defaultPayloadConverter.toPayload(value),
  fromPayload<T>(payload: Payload): T {
    try {
      return defaultPayloadConverter.fromPayload<T>(payload)
    } catch {
      return undefined as T
    }
  },
}
