import { CancellationScope, condition, isCancellation, workflowInfo } from '@temporalio/workflow'
import type { AttemptReference, ExistingLook, Look } from './activities.ts'
import type { Desk } from './desk.ts'
import { blockedDelay } from './domain/blocked-delay.ts'
import { failureKind, type Failure } from './domain/failures.ts'
import type { IssueDecision } from './domain/issue-reasons.ts'
import type { CertificateInput } from './messages.ts'
import { CarryOn, OutOfTime, type Issuance } from './stages/context.ts'
import { issue } from './stages/issue.ts'
import { StallReport } from './stages/stall-report.ts'
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
  /** What keeps each branch from going on, that of the one which has been blocked longest first. */
  readonly #blocked = new Map<string, Failure>()
  readonly #stall: StallReport
  /** Of the request that the attempt is about. */
  #requestDigest: string
  #givenUp: 'changed' | 'gone' | 'operator' | undefined
  #whyUndone = ''
  #over = false

  constructor(input: CertificateInput, story: Story, desk: Desk, look: ExistingLook) {
    this.#input = input
    this.#story = story
    this.#desk = desk
    this.#look = look
    this.#requestDigest = look.requestDigest
    const { namespace, name } = input
    this.#stall = new StallReport({ namespace, name, uid: look.known.uid })
  }

  /** `bell`: what rang later than this has not been looked at. */
  async run(cause: IssueDecision, bell: number): Promise<AttemptEnd> {
    const revision = this.#look.revision + 1
    const number = this.#desk.begin({ revision, cause: cause.reason, giveUp: (why) => this.#giveUp(why) })
    const { namespace, name } = this.#input
    const certificate = { namespace, name, uid: this.#look.known.uid }
    const attempt: AttemptReference = { certificate, revision, attempt: number }
    this.#story.tell('Issuing', `${cause.message} (attempt ${number}, revision ${revision})`)

    const watching = this.#watch(bell)
    try {
      return await this.#scope.run(() => this.#issue(attempt, cause))
    } catch (error) {
      return await this.#end(attempt, error)
    } finally {
      this.#over = true
      await watching
      await this.#stall.settled()
    }
  }

  async #issue(attempt: AttemptReference, cause: IssueDecision): Promise<AttemptEnd> {
    const published = await issue(this.#issuance(attempt), this.#desk.grants, cause, (prepared) => {
      this.#story.learn(prepared.known)
      this.#requestDigest = prepared.requestDigest
      this.#stall.stepClears = false
    })
    this.#story.learn(published.known)
    const { certificate, revision, renewalTime } = published
    Object.assign(this.#story.state, { certificate, revision, renewalTime, failures: 0 })
    this.#desk.settle(attempt.attempt, { outcome: 'issued' }, true)
    return { how: 'issued' }
  }

  async #end(attempt: AttemptReference, error: unknown): Promise<AttemptEnd> {
    const number = attempt.attempt
    // What was told of the attempt must not come after what is told of its end.
    await this.#stall.settled()
    if (error instanceof CarryOn) {
      // The attempt is not over: the next run goes on with it, under the same number.
      return { how: 'carryOn' }
    }
    if (error instanceof OutOfTime) {
      this.#whyUndone = error.failure.code
      await this.#undo.run()
      this.#desk.settle(number, { outcome: 'cancelled', ...error.failure }, false)
      return { how: 'blocked', failure: error.failure }
    }
    if (isCancellation(error) && this.#givenUp !== undefined && this.#givenUp !== 'operator') {
      this.#whyUndone = this.#givenUp === 'gone' ? 'the Certificate is gone' : 'the Certificate was changed'
      this.#story.tell('Issuing', `${this.#whyUndone}: giving this attempt up and removing what it began`)
      await this.#undo.run()
      this.#desk.settle(number, { outcome: 'cancelled', message: this.#whyUndone }, false)
      return { how: this.#givenUp }
    }
    const failure = isCancellation(error) ? { code: 'Cancelled' as const, message: '' } : failureOf(error)
    // Not a failure of ours: a bug in workflow code must stay visible as a failed task, not become a back-off.
    if (failure === undefined || failureKind(failure.code) !== 'spent') throw error
    this.#whyUndone = failure.code
    this.#undo.settled('discard attempt')
    await this.#undo.run()
    await CancellationScope.nonCancellable(() => this.#count(attempt, failure))
    this.#desk.settle(number, { outcome: 'failed', ...failure }, true)
    return { how: 'failed' }
  }

  /** Until the failure stands in the status, nothing would keep the next attempt from following at once. */
  async #count(attempt: AttemptReference, failure: Failure): Promise<void> {
    for (let looks = 1; ; looks++) {
      const bell = this.#desk.bell
      try {
        const summary = `attempt ${attempt.attempt} failed: ${failure.code}`
        return this.#story.learn(await step('failAttempt', { ...attempt, failure }, { summary }))
      } catch (error) {
        const refused = failureOf(error)
        if (refused === undefined) throw error
        this.#story.tell('Blocked', refused.message, refused)
        await this.#desk.wait(bell, blockedDelay(looks), `write the failure down, ${refused.code}`)
      }
    }
  }

  #issuance(attempt: AttemptReference, name = ''): Issuance {
    const carryOnIfLong = () => {
      if (workflowInfo().historyLength > LONG_WAIT_EVENTS) throw new CarryOn()
    }
    return {
      attempt,
      tries: this.#desk.triesAt(attempt.revision),
      owner: { cluster: this.#input.cluster, certificate: this.#input.name },
      undo: this.#undo,
      whyUndone: () => this.#whyUndone,
      report: (finding, failure) => this.#report(name, finding, failure),
      publishes: () => {
        this.#desk.publishes()
        this.#stall.stepClears = true
      },
      branch: (inner) => this.#issuance(attempt, inner),
      solvers: (providers) => {
        this.#story.state.solver = [...new Set(providers)].sort().join(', ')
      },
      carryOnIfLong,
      bell: () => this.#desk.bell,
      pause: async (ms, summary, bell) => {
        carryOnIfLong()
        await this.#desk.wait(bell, ms, summary)
      },
    }
  }

  /** Blocked, as long as any branch is: whoever has to act must not miss it because another one goes on. */
  #report(branch: string, finding: string, failure: Failure | undefined): void {
    if (failure === undefined) this.#blocked.delete(branch)
    else this.#blocked.set(branch, failure)
    const [longest] = this.#blocked.values()
    this.#stall.tell(longest)
    if (longest === undefined) this.#story.tell('Issuing', finding)
    else this.#story.tell('Blocked', withOthers(longest.message, this.#blocked.size - 1), longest)
  }

  /** Looks whenever the bell rings, and gives the attempt up where it would issue something that is not wanted. */
  async #watch(seen: number): Promise<void> {
    for (let bell = seen; ;) {
      await condition(() => this.#over || this.#desk.bell !== bell)
      if (this.#over) return
      bell = this.#desk.bell
      const look = await this.#lookAgain()
      if (this.#over) return
      if (look === undefined) continue
      if (!look.exists || look.deleting || look.known.uid !== this.#look.known.uid) this.#giveUp('gone')
      else if (look.requestDigest !== this.#requestDigest) this.#giveUp('changed')
    }
  }

  /** Undefined where nothing can be read: no reason to give up, the steps of the attempt will say what is wrong. */
  async #lookAgain(): Promise<Look | undefined> {
    const { namespace, name } = this.#input
    try {
      return await localStep('look', { namespace, name, uid: this.#look.known.uid, leftovers: false })
    } catch (error) {
      if (failureOf(error) === undefined) throw error
      return undefined
    }
  }

  #giveUp(why: 'changed' | 'gone' | 'operator'): void {
    this.#givenUp ??= why
    this.#scope.cancel()
  }
}

function withOthers(finding: string, others: number): string {
  return others === 0 ? finding : `${finding} (and ${others} more of its names cannot go on)`
}
