import type { Kubernetes } from '../../../../activities/clients/kubernetes.ts'
import type { WatchEvent } from '../../../../activities/clients/kubernetes/types.ts'
import type { AnyObject } from '../../support/world.ts'

/** Everything that happens to the objects of one collection, as a watcher sees it: nothing between two looks is lost. */
export class Recording {
  readonly seen: { type: WatchEvent['type']; object: AnyObject }[] = []
  readonly #end = new AbortController()
  #failure: unknown
  #waiting: (() => void)[] = []

  /** Begins with what happens from now on, or after `from`, a resourceVersion; where it is empty, with what is there. */
  static async start(kubernetes: Kubernetes, path: string, from?: string): Promise<Recording> {
    const recording = new Recording()
    const resourceVersion = from ?? (await kubernetes.list(path, { limit: '1' })).resourceVersion
    const open = (resourceVersion: string) => {
      const query = { resourceVersion, allowWatchBookmarks: 'false' }
      return kubernetes.watch(path, query, { signal: recording.#end.signal })
    }
    void recording.#read(await open(resourceVersion), resourceVersion, open)
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
    this.#end.abort()
    if (this.#failure !== undefined) throw this.#failure as Error
  }

  async #read(
    first: AsyncIterable<WatchEvent>,
    from: string,
    open: (from: string) => Promise<AsyncIterable<WatchEvent>>,
  ): Promise<void> {
    let stream = first
    let last = from
    try {
      for (;;) {
        for await (const { type, object } of stream) {
          if (type === 'ERROR') throw new Error(`the watch reported ${JSON.stringify(object)}`)
          const seen = object as AnyObject
          last = seen.metadata.resourceVersion ?? last
          this.seen.push({ type, object: seen })
          this.#wake()
        }
        // A server may end a watch in order at any time; the next one goes on where it stood.
        stream = await open(last)
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
