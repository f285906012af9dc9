import type { WatchEvent } from '../../../../activities/clients/kubernetes/types.ts'
import { changesOf } from '../../../../tools/observe/changes.ts'
import type { AnyObject, World } from '../../support/world.ts'

/** Everything that happens to the objects of a collection: those that are there, then each change, nothing missed. */
export class Follow {
  readonly #end = new AbortController()
  #done: Promise<void> = Promise.resolve()
  #failure: unknown

  private constructor() {}

  static async start(
    world: World,
    path: string,
    seen: (object: AnyObject, deleted: boolean) => void,
  ): Promise<Follow> {
    const follow = new Follow()
    const { items, resourceVersion = '' } = await world.kubernetes.list<AnyObject>(path)
    for (const object of items) seen(object, false)
    const changes = await changesOf(world.kubernetes, path, resourceVersion, follow.#end.signal)
    follow.#done = follow.#read(changes, seen)
    return follow
  }

  /** @throws Error if the watch broke off: something may then have been missed */
  async stop(): Promise<void> {
    this.#end.abort()
    await this.#done
    this.check()
  }

  check(): void {
    if (this.#failure !== undefined) throw this.#failure as Error
  }

  async #read(
    changes: AsyncIterable<WatchEvent>,
    seen: (object: AnyObject, deleted: boolean) => void,
  ): Promise<void> {
    try {
      for await (const { type, object } of changes) seen(object as AnyObject, type === 'DELETED')
    } catch (error) {
      if (!this.#end.signal.aborted) this.#failure = error
    }
  }
}
