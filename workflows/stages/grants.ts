import { condition } from '@temporalio/workflow'

/** How long a waiting certificate trusts that the lock still knows it; a terminated lock is started again then. */
const ASK_AGAIN_MS = 10_000

/** Locks that have been granted to challenges of this run. */
export class Grants {
  readonly #granted = new Set<string>()

  grant(requestId: string): void {
    this.#granted.add(requestId)
  }

  async wait(requestId: string, summary: string): Promise<void> {
    await condition(() => this.#granted.has(requestId), ASK_AGAIN_MS, { summary })
    this.#granted.delete(requestId)
  }
}
