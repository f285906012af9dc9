import { failureKind, type Failure, type FailureCode } from '../domain/failures.ts'
import { awaitedOf } from '../domain/describe-stall.ts'
import { blockedDelay } from '../domain/blocked-delay.ts'
import { parseTime } from '../domain/time-text.ts'
import type { AttemptReference } from '../activities.ts'
import { failureOf } from './steps.ts'
import type { Undo } from './undo.ts'

/** What a stage of an issuance may ask of the workflow that runs it. */
export interface Issuance {
  readonly attempt: AttemptReference
  /** How many attempts at this revision there were with this one, as far as is remembered. */
  readonly tries: number
  /** Of what a clean-up that outlives the attempt is told. */
  readonly owner: { readonly cluster: string; readonly certificate: string }
  readonly undo: Undo
  /** Why what was begun is being undone, in a few words. */
  whyUndone(): string
  /** Shows what the attempt is waiting for, and that somebody has to act where `failure` is given. */
  report(finding: string, failure?: Failure): void
  /** The next step may publish: whoever wants a newer certificate from now on gets the next one. */
  publishes(): void
  /** For what runs beside others: its reports do not hide that another one is blocked. */
  branch(name: string): Issuance
  /** Learns who proves the names of the order: shown with what is told next. */
  solvers(providers: readonly string[]): void
  /** Counts messages: `pause` is given the number from before the step, so that none is overheard. */
  bell(): number
  /** Waits `ms`, or for a message after `bell` where one is given. Throws CarryOn where the history has grown long. */
  pause(ms: number, summary: string, bell: number | undefined): Promise<void>
  /** Throws CarryOn where the history has grown long: asked in every loop that may go round for days. */
  carryOnIfLong(): void
}

/** Ends the run in the middle of an attempt without undoing it: the next run finds everything in the cluster. */
export class CarryOn extends Error {
  override readonly name = 'CarryOn'
}

/** What somebody deleted, here or at the CA, does not come back by waiting: the attempt is undone and made anew. */
const lost: readonly FailureCode[] = ['OrderLost', 'ObjectGone']

/** What the attempt needs is lost, or the order outlasted: the attempt is over, but nobody has judged it. */
export class OutOfTime extends Error {
  override readonly name = 'OutOfTime'
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.message)
    this.failure = failure
  }
}

/**
 * Runs a step until it works: what blocks is waited for in place, so that an order in hand is kept and nothing is
 * counted. What the CA judged goes up at once, as does everything that is not a failure of ours; what is lost ends the
 * attempt.
 */
export async function untilDone<T>(
  issuance: Issuance,
  what: string,
  deadline: number | undefined,
  run: () => Promise<T>,
): Promise<T> {
  for (let looks = 1; ; looks++) {
    const bell = issuance.bell()
    try {
      const result = await run()
      if (looks > 1) issuance.report(`${what}: goes on`)
      return result
    } catch (error) {
      const failure = failureOf(error)
      if (failure === undefined || failureKind(failure.code) === 'spent') throw error
      const isOver = lost.includes(failure.code) || (deadline !== undefined && Date.now() >= deadline)
      if (isOver) throw new OutOfTime(failure)
      issuance.report(failure.message, failure)
      // A CA that asked for patience gets it: nothing that rings here can make it change its mind.
      const listen = failureKind(failure.code) === 'later' ? undefined : bell
      await issuance.pause(delay(failure, looks, deadline), `${what}: ${awaitedOf(failure)}`, listen)
    }
  }
}

function delay(failure: Failure, looks: number, deadline: number | undefined): number {
  const notBefore = parseTime(failure.notBefore)
  const wanted = notBefore === undefined ? blockedDelay(looks) : Math.max(notBefore - Date.now(), 1_000)
  return deadline === undefined ? wanted : Math.max(Math.min(wanted, deadline - Date.now()), 1)
}
