import { allHandlersFinished, condition, makeContinueAsNewFunc, workflowInfo } from '@temporalio/workflow'
import { Alarm } from './alarm.ts'
import type { ExistingLook, Look } from './activities.ts'
import { CertificateAttempt, type AttemptEnd } from './certificate-attempt.ts'
import type { certificate } from './certificate.ts'
import { nextAttempt } from './domain/back-off.ts'
import { blockedDelay } from './domain/blocked-delay.ts'
import { lastFailure } from './domain/attempts.ts'
import { awaitedOf } from './domain/describe-stall.ts'
import { describeFailure, type Failure } from './domain/failures.ts'
import { nextStep, type Step } from './domain/next-step.ts'
import { unpack } from './domain/packed.ts'
import { MOST_RESTARTS_AN_HOUR, addRestart, followable } from './domain/restarts.ts'
import { Desk } from './desk.ts'
import type { CertificateInput } from './messages.ts'
import { failureOf, localStep, step } from './stages/steps.ts'
import { cleanUpLeftover } from './stages/undo.ts'
import { Story } from './story.ts'

/** A run between failed attempts starts anew past this many events, so that every page of the UI stays short. */
const LONG_RUN_EVENTS = 150
/** A run that is rung or blocked again and again starts anew past this many: the server ends one with 51,200. */
const LONG_WAIT_EVENTS = 1_000

/** The loop of one run and what it remembers. Handlers only fill the desk's mailbox; everything happens here. */
export class CertificateRun {
  readonly #input: CertificateInput
  readonly #story: Story
  readonly #desk: Desk
  readonly #alarm = new Alarm()
  #uid: string | undefined
  #firstLook = true
  #issued = false
  #blockedLooks = 0
  #restarts: string[]

  constructor(input: CertificateInput) {
    this.#input = input
    this.#uid = input.carried?.uid
    this.#restarts = input.carried?.restarts ?? []
    this.#story = new Story(input, input.carried?.paused ?? false)
    this.#desk = new Desk(this.#story, input.carried)
  }

  /** An operator's cancel: the attempt is given up and its traces are removed. */
  cancel(): void {
    this.#desk.cancel()
  }

  async live(): Promise<void> {
    for (let over = false; !over;) {
      const bell = this.#desk.bell
      try {
        if (workflowInfo().historyLength > LONG_WAIT_EVENTS) await this.#continueAsNew()
        over = await this.#round(bell)
      } catch (error) {
        const failure = failureOf(error)
        if (failure === undefined) throw error
        // Not the attempt's fault, but that of a step around it: a right that is missing, an object that is unreadable.
        await this.#blocked(failure, bell)
      }
    }
    this.#story.tell('Deleting', 'the Certificate is gone')
  }

  /** Look, decide, act. True when there is nothing left to live for. */
  async #round(bell: number): Promise<boolean> {
    const look = await this.#look()
    const next = this.#decide(look)
    // What rang since the look began may be the next object of this name: look again before leaving.
    if (next.do === 'end' || !look.exists) return bell === this.#desk.bell
    if (this.#desk.takeCancel()) await this.#continueAsNew()
    if (next.do === 'issue') await this.#issue(look, next, bell)
    else await this.#rest(look, next, bell)
    if (this.#desk.takeRefresh()) await this.#continueAsNew()
    return false
  }

  async #look(): Promise<Look> {
    const leftovers = this.#firstLook && this.#input.carried === undefined
    this.#firstLook = false
    const { cluster, namespace, name } = this.#input
    const look = await localStep('look', { namespace, name, uid: this.#uid, leftovers })
    if (!look.exists) return look
    if (this.#uid !== undefined && this.#uid !== look.known.uid) {
      this.#desk.forget()
      this.#restarts = []
    }
    this.#uid = look.known.uid
    this.#story.see(look)
    for (const record of unpack(look.leftovers)) await cleanUpLeftover(record, { cluster, certificate: name })
    return look
  }

  #decide(look: Look): Step {
    const memory = { renew: this.#desk.renew, paused: this.#desk.paused }
    const decision = nextStep(look, memory, Date.now(), ({ failures, lastFailureAt }) => {
      const at = nextAttempt({ failures, lastFailure: lastFailureAt })
      return at === undefined ? undefined : Date.parse(at)
    })
    if (decision.do !== 'issue') return decision
    const until = followable(this.#restarts, Date.now())
    if (until === undefined) return decision
    const why = `its request changed ${MOST_RESTARTS_AN_HOUR} times within an hour`
    return { do: 'backOff', until, why, judged: false }
  }

  async #issue(look: ExistingLook, next: Extract<Step, { do: 'issue' }>, bell: number): Promise<void> {
    // One run tells one revision: whoever opens the next one must not scroll past this one's story.
    if (this.#issued || workflowInfo().historyLength > LONG_RUN_EVENTS) await this.#continueAsNew()
    this.#alarm.set(undefined, '')
    const attempt = new CertificateAttempt(this.#input, this.#story, this.#desk, look)
    this.#desk.wish(next.wish)
    const end = await attempt.run(next.cause, bell)
    await this.#settle(end)
  }

  async #settle(end: AttemptEnd): Promise<void> {
    switch (end.how) {
      case 'issued':
        this.#issued = true
        this.#blockedLooks = 0
        return
      case 'failed':
        return
      case 'changed':
        this.#restarts = addRestart(this.#restarts, Date.now())
        return
      case 'blocked':
        return this.#blocked(end.failure, this.#desk.bell)
      case 'carryOn':
        return this.#continueAsNew()
      case 'gone':
        return
    }
  }

  /** Everything that is not an issuance: show it, keep the status true, wait for the next message or the alarm. */
  async #rest(look: ExistingLook, next: Exclude<Step, { do: 'issue' | 'end' }>, bell: number): Promise<void> {
    const failure = next.do === 'stall' ? next.failure : undefined
    const until = 'until' in next ? next.until : undefined
    if (look.statusStale || failure !== undefined) {
      const certificate = { namespace: this.#input.namespace, name: this.#input.name, uid: look.known.uid }
      this.#story.learn(
        await step('updateStatus', { certificate, failure }, { summary: 'status says what is true' }),
      )
    }
    const at = until === undefined ? '' : new Date(until).toISOString()
    switch (next.do) {
      case 'leave':
        this.#story.tell('Deleting', 'the Certificate is being deleted')
        break
      case 'pause':
        this.#story.tell('Paused', 'paused by an operator; unpause to go on')
        break
      case 'stall':
        this.#story.tell('Blocked', describeFailure(next.failure), next.failure)
        break
      case 'backOff':
        this.#story.tell(
          'BackingOff',
          `${next.why}; the next attempt at ${at}`,
          next.judged ? lastFailure(this.#desk.attempts) : undefined,
        )
        break
      case 'wait':
        this.#story.tell('Waiting', at === '' ? 'nothing to do until something changes' : `renewal at ${at}`)
        break
    }
    this.#alarm.set(until, next.do === 'wait' ? `renew at ${at}` : `try again at ${at}`)
    this.#blockedLooks = 0
    await condition(() => this.#desk.bell !== bell || this.#alarm.fired)
  }

  async #blocked(failure: Failure, bell: number): Promise<void> {
    this.#blockedLooks += 1
    this.#story.tell('Blocked', failure.message, failure)
    await this.#desk.wait(bell, blockedDelay(this.#blockedLooks), `look again: ${awaitedOf(failure)}`)
  }

  async #continueAsNew(): Promise<void> {
    await condition(allHandlersFinished)
    // Nothing is awaited between here and the end of the run: a message that comes now makes the server redo the task.
    const { v, cluster, namespace, name } = this.#input
    await makeContinueAsNewFunc<typeof certificate>({ memo: { ...this.#story.memo() } })({
      v,
      cluster,
      namespace,
      name,
      known: this.#story.known,
      carried: { ...this.#desk.carry(), uid: this.#uid ?? '', restarts: this.#restarts },
    })
  }
}
