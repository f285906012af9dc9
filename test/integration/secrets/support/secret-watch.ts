import { apiPath } from '../../../../k8s-bridge/api/kinds.ts'
import type { AnyObject, World } from '../../support/world.ts'
import { Follow } from './follow.ts'
import type { Marks } from './marks.ts'

/** Marks every private key that any Secret of the cluster ever holds: those of a next key live for milliseconds. */
export class KeyWatch {
  readonly #marks: Marks
  #follow: Follow | undefined
  /** Names of Secrets that held a key. */
  readonly secrets = new Set<string>()

  private constructor(marks: Marks) {
    this.#marks = marks
  }

  static async start(world: World, marks: Marks): Promise<KeyWatch> {
    const watch = new KeyWatch(marks)
    watch.#follow = await Follow.start(world, apiPath('Secret'), (secret) => watch.#mark(secret))
    return watch
  }

  /** @throws Error if the watch broke off: a key may then be unmarked */
  async stop(): Promise<void> {
    await this.#follow?.stop()
  }

  #mark({ metadata, data = {} }: AnyObject): void {
    const name = `${metadata.namespace}/${metadata.name}`
    for (const [key, value] of Object.entries(data)) {
      const bytes = Buffer.from(value, 'base64')
      if (bytes.includes('PRIVATE KEY-----')) {
        this.#marks.addPem(`Secret ${name} ${key}`, bytes.toString())
        this.secrets.add(name)
      }
      // The key of the record annotations.
      if (metadata.name === 'certloom-record-key') this.#marks.add(`Secret ${name} ${key}`, bytes)
    }
  }
}
