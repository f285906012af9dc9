import { Context } from '@temporalio/activity'
import { CancelledFailure } from '@temporalio/common'

/** A place where an activity stops until the test lets it go on. It notices a cancel, as real activities do. */
export class Gate {
  readonly #open = Promise.withResolvers<void>()
  readonly #reached = Promise.withResolvers<void>()

  /** Settles when an activity stands at the gate. */
  get reached(): Promise<void> {
    return this.#reached.promise
  }

  open(): void {
    this.#open.resolve()
  }

  async pass(): Promise<void> {
    const { cancelled, heartbeat } = Context.current()
    const context = Context.current()
    const beat = context.info.isLocal ? undefined : setInterval(() => heartbeat.call(context), 10)
    this.#reached.resolve()
    try {
      await Promise.race([this.#open.promise, cancelled])
    } catch {
      throw new CancelledFailure('the step was cancelled')
    } finally {
      clearInterval(beat)
    }
  }
}
