import { condition } from '@temporalio/workflow'
import { shorten } from '../domain/summary.ts'

/** Locks that have been granted to challenges of this run. */
export class Grants {
  readonly #granted = new Set<string>()

  /** A message that names nobody is overheard. */
  grant(requestId: string | undefined): void {
    if (requestId !== undefined) this.#granted.add(requestId)
  }

  /** Waits for the grant, `ms` at the most: a lock that was terminated meanwhile knows nobody who waits. */
  async wait(requestId: string, ms: number, summary: string): Promise<void> {
    await condition(() => this.#granted.has(requestId), ms, { summary: shorten(summary) })
    this.#granted.delete(requestId)
  }
}
