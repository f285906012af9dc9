import type { Kubernetes } from '../../../../activities/clients/kubernetes.ts'
import type { WatchEvent } from '../../../../activities/clients/kubernetes/types.ts'
import { changesOf } from '../../../../tools/observe/changes.ts'
import type { AnyObject } from '../../support/world.ts'

/** Everything that happens to the objects of one collection, as a watcher sees it: nothing between two looks is lost. */
export class Recording {
  /** `at`: when it was shown, milliseconds since the epoch. */
  readonly seen: { type: WatchEvent['type']; object: AnyObject; at: number }[] = []
  readonly #end = new AbortController()
  #failure: unknown
  #waiting: (() => void)[] = []

  /** Begins with what happens from now on, or after `from`, a resourceVersion; where it is empty, with what is there. */
  static async start(kubernetes: Kubernetes, path: string, from?: string): Promise<Recording> {
    const recording = new Recording()
    const resourceVersion = from ?? (await kubernetes.list(path, { limit: '1' })).resourceVersion
    void recording.#read(await changesOf(kubernetes, path, resourceVersion, recording.#end.signal))
    return recording
  }

  /** The first thing that fits, seen already or to come. @throws Error if it does not come within `seconds` */
  async until(
    what: string,
    fact: (object: AnyObject, type: WatchEvent['type']) => boolean,
    seconds = 30,
  ): Promise<AnyObject> {
    const limit = setTimeout(() => {
      this.#failure ??= new Error(`${what}: not seen within ${seconds} s`)
      this.#wake()
    }, seconds * 1000)
    try {
      for (let at = 0; ;) {
        for (; at < this.seen.length; at++) {
          const one = this.seen[at]
          if (one !== undefined && fact(one.object, one.type)) return one.object
        }
        if (this.#failure !== undefined) throw this.#failure as Error
        await new Promise<void>((resolve) => this.#waiting.push(resolve))
      }
    } finally {
      clearTimeout(limit)
    }
  }

  /** Names of the objects that were made, in order. */
  created(): string[] {
    return this.seen.filter(({ type }) => type === 'ADDED').map(({ object }) => object.metadata.name)
  }

  /** @throws Error if the watch broke off: what was not seen then proves nothing */
  stop(): void {
    this.abort()
    if (this.#failure !== undefined) throw this.#failure as Error
  }

  /** Ends it, whatever it has seen or not. */
  abort(): void {
    this.#end.abort()
  }

  async #read(changes: AsyncIterable<WatchEvent>): Promise<void> {
    try {
      for await (const { type, object } of changes) {
        this.seen.push({ type, object: object as AnyObject, at: Date.now() })
        this.#wake()
      }
    } catch (error) {
      if (!this.#end.signal.aborted) this.#failure ??= error
      this.#wake()
    }
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }
}
