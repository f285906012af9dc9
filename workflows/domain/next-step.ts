import type { ExistingLook, Look } from '../activities.ts'
import type { Renewal } from './doorbell-messages.ts'
import type { Failure } from './failures.ts'
import type { IssueDecision } from './issue-reasons.ts'

/** What a run remembers that the cluster does not say. */
export interface Memory {
  /** A renewal that somebody asked for and that no attempt has answered yet. */
  renew?: Renewal
  /** Paused through a message; the lasting form is the annotation. */
  paused: boolean
}

export type Step =
  | { do: 'end' }
  /** The object is being deleted: finish what was begun and wait until it is gone. */
  | { do: 'leave' }
  | { do: 'pause' }
  | { do: 'stall'; failure: Failure }
  /** `wish`: a renewal that only the Issuing condition tells of, which goes where the attempt is given up. */
  | { do: 'issue'; cause: IssueDecision; wish?: Renewal }
  /** `why` as it is shown to people; `judged` where the CA, or whoever signs, refused the last attempt. */
  | { do: 'backOff'; until: number; why: string; judged: boolean }
  /** Nothing to do until then; without `until`, until a message. */
  | { do: 'wait'; until?: number }

/**
 * The one place that says what a certificate does next. `now` is milliseconds since the epoch.
 *
 * Pausing goes before everything that would write; a spec that cannot work goes before every wish to renew; a wish
 * of a person goes before the back-off.
 */
export function nextStep(
  look: Look,
  memory: Memory,
  now: number,
  backOff: (look: ExistingLook) => number | undefined,
): Step {
  if (!look.exists) return { do: 'end' }
  if (look.deleting) return { do: 'leave' }
  if (look.paused || memory.paused) return { do: 'pause' }
  if (look.invalid !== undefined) return { do: 'stall', failure: look.invalid }

  if (memory.renew !== undefined) return { do: 'issue', cause: renewCause(memory.renew.reason) }
  // Issuing=True that is still there when nothing is under way was set by a person, or by a run that lost its memory.
  if (look.known.issuing !== '') {
    const reason = issuingReason(look)
    return look.why === undefined
      ? { do: 'issue', cause: renewCause(reason), wish: { reason } }
      : { do: 'issue', cause: look.why }
  }

  if (look.why !== undefined) {
    const until = look.backOffApplies ? backOff(look) : undefined
    if (until !== undefined && until > now)
      return { do: 'backOff', until, why: failedAttempts(look.failures), judged: true }
    return { do: 'issue', cause: look.why }
  }
  return look.renewalTime === undefined ? { do: 'wait' } : { do: 'wait', until: Date.parse(look.renewalTime) }
}

function failedAttempts(count: number): string {
  return count === 1 ? '1 failed attempt' : `${count} failed attempts`
}

function issuingReason(look: ExistingLook): string {
  return look.known.issuing.slice(0, look.known.issuing.lastIndexOf('@'))
}

/** cmctl's words, which dashboards know, and why, where somebody said so. */
function renewCause(why: string): { reason: string; message: string } {
  const message = 'Certificate re-issuance manually triggered'
  return { reason: 'ManuallyTriggered', message: why === '' ? message : `${message} (${why})` }
}
