import { CancellationScope, condition, isCancellation, workflowInfo } from '@temporalio/workflow'
import type { AttemptReference, ExistingLook } from './activities.ts'
import type { Desk } from './desk.ts'
import { failureKind, type Failure } from './domain/failures.ts'
import type { CertificateInput } from './messages.ts'
import { CarryOn, OutOfTime, type Issuance } from './stages/context.ts'
import { issue } from './stages/issue.ts'
import { failureOf, localStep, step } from './stages/steps.ts'
import { Undo } from './stages/undo.ts'
import type { Story } from './story.ts'

export type AttemptEnd =
  | { how: 'issued' }
  | { how: 'failed' }
  /** The key or the request would be another one now: start over. */
  | { how: 'changed' }
  | { how: 'blocked'; failure: Failure }
  /** Goes on in the next run, with everything in place. */
  | { how: 'carryOn' }
  | { how: 'gone' }

/** A run that waits in the middle of an attempt is handed to a new run past this many events. */
const LONG_WAIT_EVENTS = 2_000

/** One attempt: issues, watches the Certificate meanwhile, and undoes what it began where it is given up. */
export class CertificateAttempt {
  readonly #input: CertificateInput
  readonly #story: Story
  readonly #desk: Desk
  readonly #look: ExistingLook
  readonly #undo = new Undo()
  readonly #scope = new CancellationScope()
  #givenUp: 'changed' | 'gone' | 'operator' | undefined
  #over = false

  constructor(input: CertificateInput, story: Story, desk: Desk, look: ExistingLook) {
    this.#input = input
    this.#story = story
    this.#desk = desk
    this.#look = look
  }

  async run(cause: { reason: string; message: string }): Promise<AttemptEnd> {
    const revision = this.#look.revision + 1
    const number = this.#desk.begin({ revision, cause: cause.reason, giveUp: (why) => this.#giveUp(why) })
    const { namespace, name } = this.#input
    const certificate = { namespace, name, uid: this.#look.known.uid }
    const attempt: AttemptReference = { certificate, revision, attempt: number }
    this.#story.tell('Issuing', `${cause.message} (attempt ${number}, revision ${revision})`)

    const watching = this.#watch()
    try {
      return await this.#scope.run(() => this.#issue(attempt, cause))
    } catch (error) {
      return await this.#end(attempt, error)
    } finally {
      this.#over = true
      await watching
    }
  }

  async #issue(attempt: AttemptReference, cause: { reason: string; message: string }): Promise<AttemptEnd> {
    const published = await issue(this.#issuance(attempt), this.#desk.grants, cause, (prepared) => {
      this.#story.learn(prepared.known)
    })
    this.#story.learn(published.known)
    const { certificate, revision, renewalTime } = published
    Object.assign(this.#story.state, { certificate, revision, renewalTime, failures: 0 })
    this.#desk.settle(attempt.attempt, { outcome: 'issued' }, true)
    return { how: 'issued' }
  }

  async #end(attempt: AttemptReference, error: unknown): Promise<AttemptEnd> {
    const number = attempt.attempt
    if (error instanceof CarryOn) {
      this.#desk.settle(number, { outcome: 'cancelled', message: 'goes on in the next run' }, false)
      return { how: 'carryOn' }
    }
    if (error instanceof OutOfTime) {
      await this.#undo.run()
      this.#desk.settle(number, { outcome: 'cancelled', ...error.failure }, false)
      return { how: 'blocked', failure: error.failure }
    }
    if (isCancellation(error) && this.#givenUp !== undefined && this.#givenUp !== 'operator') {
      this.#story.tell('Issuing', 'giving this attempt up: removing what it began')
      await this.#undo.run()
      this.#desk.settle(number, { outcome: 'cancelled', message: `the Certificate is ${this.#givenUp}` }, false)
      return { how: this.#givenUp }
    }
    const failure = isCancellation(error) ? { code: 'Cancelled' as const, message: '' } : failureOf(error)
    // Not a failure of ours: a bug in workflow code must stay visible as a failed task, not become a back-off.
    if (failure === undefined || failureKind(failure.code) !== 'spent') throw error
    this.#undo.settled('discard attempt')
    await this.#undo.run()
    const known = await CancellationScope.nonCancellable(() =>
      step('failAttempt', { ...attempt, failure }, { summary: `attempt ${number} failed: ${failure.code}` }),
    )
    this.#story.learn(known)
    this.#desk.settle(number, { outcome: 'failed', ...failure }, true)
    return { how: 'failed' }
  }

  #issuance(attempt: AttemptReference): Issuance {
    return {
      attempt,
      cluster: this.#input.cluster,
      undo: this.#undo,
      report: (finding, failure) => this.#story.tell(failure === undefined ? 'Issuing' : 'Blocked', finding, failure),
      pause: async (ms, summary) => {
        if (workflowInfo().historyLength > LONG_WAIT_EVENTS) throw new CarryOn()
        await this.#desk.wait(this.#desk.bell, ms, summary)
        this.#story.tell('Issuing', `${summary}: looking again`)
      },
    }
  }

  /** Looks whenever the bell rings, and gives the attempt up where it would issue something that is not wanted. */
  async #watch(): Promise<void> {
    for (let bell = this.#desk.bell; ; bell = this.#desk.bell) {
      await condition(() => this.#over || this.#desk.bell !== bell)
      if (this.#over) return
      const { namespace, name } = this.#input
      const look = await localStep('look', { namespace, name, uid: this.#look.known.uid, leftovers: false })
      if (this.#over) return
      if (!look.exists || look.deleting || look.known.uid !== this.#look.known.uid) this.#giveUp('gone')
      else if (look.requestDigest !== this.#look.requestDigest) this.#giveUp('changed')
    }
  }

  #giveUp(why: 'changed' | 'gone' | 'operator'): void {
    this.#givenUp ??= why
    this.#scope.cancel()
  }
}
