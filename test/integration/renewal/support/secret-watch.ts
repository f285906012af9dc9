import { matchesKey, parseCertificate } from '../../../../activities/clients/x509.ts'
import { apiPath } from '../../../../k8s-bridge/api/kinds.ts'
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
    const query = { fieldSelector: `metadata.name=${name}`, resourceVersion: '0' }
    const events = await world.kubernetes.watch(apiPath('Secret', namespace), query, {
      signal: watch.#end.signal,
    })
    watch.#done = watch.#follow(events)
    return watch
  }

  async close(): Promise<void> {
    this.#end.abort()
    await this.#done
  }

  async #follow(events: AsyncIterable<{ type: string; object: unknown }>): Promise<void> {
    try {
      for await (const { type, object } of events) {
        if (type !== 'ADDED' && type !== 'MODIFIED') throw new Error(`the watch of the Secret says ${type}`)
        this.versions.push(versionOf(object as AnyObject))
      }
      if (!this.#end.signal.aborted) throw new Error('the watch of the Secret ended')
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
