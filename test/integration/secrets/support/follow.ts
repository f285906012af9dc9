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
    follow.#done = follow.#read(world, path, resourceVersion, seen)
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
    world: World,
    path: string,
    from: string,
    seen: (object: AnyObject, deleted: boolean) => void,
  ): Promise<void> {
    const { signal } = this.#end
    let resourceVersion = from
    try {
      // The server ends every watch now and then: the next one goes on after the last thing that was seen.
      while (!signal.aborted) {
        const query = { resourceVersion, allowWatchBookmarks: 'false' }
        for await (const { type, object } of await world.kubernetes.watch(path, query, { signal })) {
          if (type === 'ERROR') throw new Error(`the watch reported ${JSON.stringify(object)}`)
          const one = object as AnyObject
          seen(one, type === 'DELETED')
          resourceVersion = one.metadata.resourceVersion ?? resourceVersion
        }
      }
    } catch (error) {
      if (!signal.aborted) this.#failure = error
    }
  }
}
