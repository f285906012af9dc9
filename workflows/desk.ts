import { ApplicationFailure, condition, setHandler } from '@temporalio/workflow'
import {
  addAttempt,
  runningAttempt,
  settleAttempt,
  type Attempt,
  type Settlement,
} from './domain/attempts.ts'
import { describePlan } from './domain/describe-plan.ts'
import { parsePause, parseRenew, parseRequestId, type Renewal } from './domain/doorbell-messages.ts'
import {
  attemptsQuery,
  changedSignal,
  deletedSignal,
  grantedSignal,
  pauseSignal,
  planQuery,
  refreshSignal,
  renewNowUpdate,
  renewSignal,
  setPausedUpdate,
  statusQuery,
  type CarriedCertificate,
  type RenewMessage,
} from './messages.ts'
import { shorten } from './domain/summary.ts'
import { Grants } from './stages/grants.ts'
import type { Story } from './story.ts'

/** What the desk needs to know of the attempt under way. */
export interface Underway {
  readonly number: number
  giveUp(why: 'operator'): void
}

/**
 * Where messages arrive. Handlers only note what was asked and ring the bell; the loop reads the notes when it comes
 * round. What tctl or anybody else sends cannot make a handler fail: it can at the most cause a look.
 */
export class Desk {
  readonly grants = new Grants()
  readonly #story: Story
  #bell = 0
  #renew: Renewal | undefined
  #paused: boolean
  #cancel = false
  #refresh = false
  #attempts: Attempt[]
  #nextAttempt: number
  #underway: Underway | undefined
  /** The certificate may be in its Secret already: who asks now asks for the next one. */
  #publishing = false
  /** The wish to renew that the certificate being published answers. */
  #answers: Renewal | undefined

  constructor(story: Story, carried: CarriedCertificate | undefined) {
    this.#story = story
    this.#attempts = carried?.attempts ?? []
    this.#nextAttempt = carried?.nextAttempt ?? 1
    this.#paused = carried?.paused ?? false
    this.#renew = carried?.renew
    this.#listen()
  }

  /** Counts messages: whoever remembers an older number has something new to look at. */
  get bell(): number {
    return this.#bell
  }

  get attempts(): readonly Attempt[] {
    return this.#attempts
  }

  get renew(): Renewal | undefined {
    return this.#renew
  }

  /** Keeps a wish to renew that was not sent here, until an attempt answers it. */
  wish(wish: Renewal | undefined): void {
    this.#renew ??= wish
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Waits at the most `ms`; a message that came after `bell` ends the wait. Without `bell` nothing does. */
  async wait(bell: number | undefined, ms: number, summary: string): Promise<void> {
    await condition(() => bell !== undefined && this.#bell !== bell, ms, {
      summary: shorten(summary),
    })
  }

  cancel(): void {
    this.#cancel = true
    this.#bell += 1
    this.#underway?.giveUp('operator')
  }

  takeCancel(): boolean {
    const cancel = this.#cancel
    this.#cancel = false
    return cancel
  }

  takeRefresh(): boolean {
    const refresh = this.#refresh
    this.#refresh = false
    return refresh
  }

  /** Another object under the same name: what was asked of the old one does not concern it. */
  forget(): void {
    this.#attempts = []
    this.#nextAttempt = 1
    this.#renew = undefined
    this.#paused = false
  }

  /** Returns the number of the attempt: that of the run before where it handed on one that is not over. */
  begin(attempt: { revision: number; cause: string; giveUp: (why: 'operator') => void }): number {
    const { revision, cause } = attempt
    const handedOn = runningAttempt(this.#attempts)
    if (handedOn?.revision === revision) {
      this.#underway = { number: handedOn.number, giveUp: attempt.giveUp }
      return handedOn.number
    }
    const number = this.#nextAttempt
    this.#nextAttempt += 1
    this.#attempts = addAttempt(this.#attempts, {
      number,
      revision,
      cause,
      startedAt: new Date().toISOString(),
    })
    this.#underway = { number, giveUp: attempt.giveUp }
    return number
  }

  triesAt(revision: number): number {
    return this.#attempts.filter((attempt) => attempt.revision === revision).length
  }

  /** A step begins that may publish: it answers every wish to renew that came before. */
  publishes(): void {
    this.#publishing = true
    this.#answers = this.#renew
  }

  /** `answered`: every wish to renew is refused by the CA, or fulfilled where it came before `publishes`. */
  settle(number: number, end: Omit<Settlement, 'endedAt'>, answered: boolean): void {
    this.#attempts = settleAttempt(this.#attempts, number, { ...end, endedAt: new Date().toISOString() })
    const isLate = end.outcome === 'issued' && this.#renew !== this.#answers
    this.#underway = undefined
    this.#publishing = false
    if (answered && !isLate) this.#renew = undefined
  }

  carry(): Pick<CarriedCertificate, 'v' | 'attempts' | 'nextAttempt' | 'paused' | 'renew'> {
    return {
      v: 1,
      attempts: this.#attempts,
      nextAttempt: this.#nextAttempt,
      paused: this.#paused,
      renew: this.#renew,
    }
  }

  #listen(): void {
    const ring = () => {
      this.#bell += 1
    }
    const askRenew = (message: unknown) => {
      this.#renew = parseRenew(message)
      ring()
      const joined = this.#publishing ? undefined : this.#underway
      return { attempt: joined?.number ?? this.#nextAttempt }
    }
    const askPause = (message: unknown) => {
      this.#paused = parsePause(message)
      ring()
      return { attempt: this.#underway?.number ?? this.#nextAttempt }
    }
    setHandler(changedSignal, ring, { description: 'Look at the Certificate: something about it changed.' })
    setHandler(deletedSignal, ring, { description: 'Look whether the Certificate is gone.' })
    setHandler(renewSignal, (message) => void askRenew(message), {
      description: 'Renew now; input is optional: {"reason": "…"}.',
    })
    setHandler(pauseSignal, (message) => void askPause(message), {
      description: 'Pause, or with {"on": false} go on.',
    })
    setHandler(
      refreshSignal,
      () => {
        this.#refresh = true
        ring()
      },
      { description: 'Continue as new when nothing is under way, to run the newest workflow code.' },
    )
    setHandler(grantedSignal, (message: unknown) => this.grants.grant(parseRequestId(message)), {
      description: 'From the lock of a challenge name: it is this certificate’s turn.',
    })
    setHandler(renewNowUpdate, (message?: RenewMessage) => askRenew(message), {
      description: 'Renew now; answers with the number of the attempt.',
      validator: (_message?: RenewMessage) => {
        if (this.#story.state.phase === 'Deleting') throw refused('The Certificate is being deleted.')
        if (this.#story.state.phase === 'Paused')
          throw refused('The certificate is paused: set it going first.')
      },
    })
    setHandler(setPausedUpdate, (message) => askPause(message), {
      description: 'Pause with {"on": true}, go on with {"on": false}; takes effect after a running attempt.',
    })
    setHandler(
      statusQuery,
      () => {
        const { phase, finding, revision, certificate, renewalTime } = this.#story.state
        return {
          phase,
          finding,
          revision,
          attempt: this.#underway?.number ?? this.#nextAttempt - 1,
          notAfter: certificate?.notAfter,
          renewalTime,
          paused: this.#paused,
        }
      },
      { description: 'Phase, what is waited for, revision and when it is renewed.' },
    )
    setHandler(planQuery, () => describePlan(this.#story.state, this.#renew !== undefined), {
      description: 'What happens next, in words.',
    })
    setHandler(attemptsQuery, () => this.#attempts, {
      description: 'The last attempts, those of earlier runs too: when each began and how it ended.',
    })
  }
}

function refused(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, 'Refused')
}
