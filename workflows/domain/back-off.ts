import { formatTime, parseTime } from './time-text.ts'

const hour = 3_600_000

export interface BackOffInput {
  /** status.failedIssuanceAttempts; absent or below 1 counts as the first failure. */
  failures?: number
  /** status.lastFailureTime, RFC 3339; absent means that nothing failed. */
  lastFailure?: string
  /** Milliseconds; 0 or less switches the back-off off. */
  min?: number
  /** Milliseconds. */
  max?: number
}

/**
 * When a Certificate whose attempts the CA judged is tried again: `min × 2^(failures-1)`, at most `max`, after the
 * last failure (cert-manager: 1 h doubling to 32 h). RFC 3339, perhaps in the past; undefined: at once.
 */
export function nextAttempt({ failures = 0, lastFailure, min = hour, max = 32 * hour }: BackOffInput) {
  const failedAt = parseTime(lastFailure)
  if (failedAt === undefined || min <= 0) return undefined
  const doubled = min * 2 ** Math.max(0, failures - 1)
  return formatTime(failedAt + Math.max(min, Math.min(doubled, max)))
}
