import { apiPath } from '../../../../k8s-bridge/api/kinds.ts'
import type { AnyObject, World } from '../../support/world.ts'
import type { Marks } from './marks.ts'

/** Marks every private key that any Secret of the cluster ever holds: those of a next key live for milliseconds. */
export class KeyWatch {
  readonly #marks: Marks
  readonly #end = new AbortController()
  #done: Promise<void> = Promise.resolve()
  #failure: unknown
  /** Names of Secrets with a key, each once. */
  readonly secrets = new Set<string>()

  private constructor(marks: Marks) {
    this.#marks = marks
  }

  static async start(world: World, marks: Marks): Promise<KeyWatch> {
    const watch = new KeyWatch(marks)
    const path = apiPath('Secret')
    const { items, resourceVersion } = await world.kubernetes.list<AnyObject>(path)
    for (const secret of items) watch.#mark(secret)
    const query = { resourceVersion, allowWatchBookmarks: 'false' }
    const stream = await world.kubernetes.watch(path, query, { signal: watch.#end.signal })
    watch.#done = watch.#follow(stream)
    return watch
  }

  /** @throws Error if the watch broke off: a key may then be unmarked */
  async stop(): Promise<void> {
    this.#end.abort()
    await this.#done
    if (this.#failure !== undefined) throw this.#failure as Error
  }

  async #follow(stream: AsyncIterable<{ type: string; object: unknown }>): Promise<void> {
    try {
      for await (const { type, object } of stream) {
        if (type === 'ERROR') throw new Error(`the watch reported ${JSON.stringify(object)}`)
        this.#mark(object as AnyObject)
      }
      if (!this.#end.signal.aborted) throw new Error('the server ended the watch of Secrets')
    } catch (error) {
      if (!this.#end.signal.aborted) this.#failure = error
    }
  }

  #mark({ metadata, data = {} }: AnyObject): void {
    const name = `${metadata.namespace}/${metadata.name}`
    for (const [key, value] of Object.entries(data)) {
      const bytes = Buffer.from(value, 'base64')
      if (bytes.includes('PRIVATE KEY-----')) {
        this.secrets.add(name)
        this.#marks.addPem(`Secret ${name} ${key}`, bytes.toString())
      }
      // The key of the record annotations.
      if (metadata.name === 'certloom-record-key') this.#marks.add(`Secret ${name} ${key}`, bytes)
    }
  }
}
