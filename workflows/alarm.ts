import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow'

/** The shortest wait, in milliseconds: a worker whose clock is behind the server's is not asked in a hurry. */
const SHORTEST_MS = 1_000

/**
 * One timer that survives the messages which come while it runs: a new one is started only when the time moves, so a
 * doorbell costs no timer events.
 */
export class Alarm {
  #until: number | undefined
  #scope: CancellationScope | undefined
  fired = false

  /** `until` in milliseconds since the epoch; undefined switches the alarm off. */
  set(until: number | undefined, summary: string): void {
    if (until === this.#until && !this.fired) return
    this.#scope?.cancel()
    this.#until = until
    this.fired = false
    this.#scope = undefined
    if (until === undefined) return
    const scope = new CancellationScope()
    this.#scope = scope
    scope
      .run(() => sleep(Math.max(until - Date.now(), SHORTEST_MS), { summary }))
      .then(
        () => {
          if (this.#scope === scope) this.fired = true
        },
        (error: unknown) => {
          if (!isCancellation(error)) throw error
        },
      )
  }
}
