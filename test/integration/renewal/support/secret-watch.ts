import { matchesKey, parseCertificate } from '../../../../activities/clients/x509.ts'
import type { WatchEvent } from '../../../../activities/clients/kubernetes/types.ts'
import { apiPath } from '../../../../k8s-bridge/api/kinds.ts'
import { changesOf } from '../../../../tools/observe/changes.ts'
import type { AnyObject, World } from '../../support/world.ts'

export interface SecretVersion {
  resourceVersion: string
  /** When the watch showed it, milliseconds since the epoch. */
  seenAt: number
  serial: string
  publicKeySha256: string
  notBefore: string
  notAfter: string
  /** Whether tls.key is the key of tls.crt. */
  matches: boolean
}

/** Every version of a Secret that the API server ever had, as a watch shows them: none can be missed. */
export class SecretWatch {
  readonly versions: SecretVersion[] = []
  readonly #end = new AbortController()
  #done: Promise<void> = Promise.resolve()
  /** What kept the watch from going on. */
  failure: unknown

  static async open(world: World, namespace: string, name: string): Promise<SecretWatch> {
    const watch = new SecretWatch()
    const changes = await changesOf(world.kubernetes, apiPath('Secret', namespace), '', watch.#end.signal)
    watch.#done = watch.#follow(name, changes)
    return watch
  }

  async close(): Promise<void> {
    this.#end.abort()
    await this.#done
  }

  async #follow(name: string, changes: AsyncIterable<WatchEvent>): Promise<void> {
    try {
      for await (const { type, object } of changes) {
        const secret = object as AnyObject
        if (secret.metadata.name !== name) continue
        if (type === 'DELETED') throw new Error('the Secret was deleted')
        this.versions.push(versionOf(secret))
      }
    } catch (error) {
      if (!this.#end.signal.aborted) this.failure = error
    }
  }
}

function versionOf({ metadata, data = {} }: AnyObject): SecretVersion {
  const seenAt = Date.now()
  const part = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString()
  const certificate = part('tls.crt')
  const { serial, publicKeySha256, notBefore, notAfter } = parseCertificate(certificate)
  const matches = matchesKey(certificate, part('tls.key'))
  const resourceVersion = metadata.resourceVersion ?? ''
  return { resourceVersion, seenAt, serial, publicKeySha256, notBefore, notAfter, matches }
}
