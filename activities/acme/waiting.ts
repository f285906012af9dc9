import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import type { Challenge } from '../../k8s-bridge/api/challenge.ts'
import type { Order } from '../../k8s-bridge/api/order.ts'
import type { ChallengeInput } from '../../workflows/activities.ts'
import { formatTime } from '../../workflows/domain/time-text.ts'
import type { ActivityDeps } from '../deps.ts'
import { writeChallengeStatus, writeOrderStatus } from './objects.ts'

/** What an ordinary issuance would overwrite within this time is not written: nobody could read it. In milliseconds. */
const READABLE_MS = 1_000

/**
 * Shows on Challenge and Order what a step waits for, once the wait has lasted long enough to be read; then again at
 * the end of a window, where there is news. A quick issuance so costs no status write for what it passes through.
 */
export class Waiting {
  readonly #deps: ActivityDeps
  readonly #input: ChallengeInput
  readonly #presented: boolean
  readonly #readableAt = Date.now() + READABLE_MS
  #challenge: Challenge
  #shown: string | undefined
  #writing: Promise<void> = Promise.resolve()

  /** `presented`: whether the record stands. */
  constructor(
    deps: ActivityDeps,
    input: ChallengeInput,
    challenge: Challenge,
    { presented } = { presented: true },
  ) {
    this.#deps = deps
    this.#input = input
    this.#presented = presented
    this.#challenge = challenge
  }

  /** Called with every finding; the first one that comes late enough is written, beside the step. */
  see(reason: string): void {
    if (this.#shown !== undefined || Date.now() < this.#readableAt) return
    this.#shown = reason
    // An unwritten status never fails the step that waits; what it waits for is shown again at the end of the window.
    this.#writing = this.#write(reason).catch((error: unknown) => {
      this.#shown = undefined
      this.#deps.log.warn(
        { error: String(error), challenge: this.#input.plan.challenge.name },
        'status not written',
      )
    })
  }

  /** At the end of a window: what is awaited stands on the objects when this returns. */
  async show(reason: string): Promise<void> {
    await this.#writing
    if (this.#shown !== reason) await this.#write(reason)
    this.#shown = reason
  }

  /** Before the step ends: nothing of what `see` began is written later. Returns the Challenge as it is then. */
  async over(): Promise<Challenge> {
    await this.#writing
    return this.#challenge
  }

  async #write(reason: string): Promise<void> {
    this.#challenge = await showWaiting(this.#deps, this.#input, this.#challenge, reason, this.#presented)
  }
}

/** Writes what is awaited: on the Challenge in words, on the Order that it is under way. */
export async function showWaiting(
  { kubernetes }: ActivityDeps,
  { plan, order: name }: ChallengeInput,
  challenge: Challenge,
  reason: string,
  presented: boolean,
): Promise<Challenge> {
  const order = await kubernetes.get<Order>(apiPath('Order', plan.challenge.namespace, name))
  if (order !== undefined && order.status?.state === undefined)
    await writeOrderStatus(kubernetes, order, { state: 'pending' })
  return writeChallengeStatus(kubernetes, challenge, {
    state: 'pending',
    processing: true,
    reason,
    ...(presented && { presented, presentedAt: challenge.status?.presentedAt ?? formatTime(Date.now()) }),
  })
}
