import type { Certificate } from '../../k8s-bridge/api/certificate.ts'
import { apiPath, type Kind } from '../../k8s-bridge/api/kinds.ts'
import type { Kubernetes } from '../../activities/clients/kubernetes.ts'
import type { WatchEvent } from '../../activities/clients/kubernetes/types.ts'
import { changesOf } from '../observe/changes.ts'

export interface Arrival {
  /** `performance.now()` when the watch showed the Secret with this revision's chain. */
  readonly secretAt: number
  /** `performance.now()` when the watch showed the Certificate Ready at this revision and nothing being issued. */
  readonly readyAt: number
  /** PEM. */
  readonly chain: string
  /** PEM. */
  readonly key: string
}

interface Secret {
  readonly metadata: { readonly namespace: string; readonly name: string }
  readonly data?: Readonly<Record<string, string>>
}

interface Version {
  readonly at: number
  readonly chain: string
  readonly key: string
}

/** How long one certificate may take, in milliseconds; a hang shows as an error that names it. */
const LIMIT_MS = 300_000

/** Sees every Secret and Certificate arrive through two watches, as a user of certificates would. */
export class Arrivals {
  readonly #end = new AbortController()
  readonly #secrets = new Map<string, Version[]>()
  readonly #ready = new Map<string, Map<number, number>>()
  readonly #statuses = new Map<string, Certificate['status']>()
  readonly #waiting = new Map<string, () => void>()
  #failure: unknown

  private constructor() {}

  static async start(kubernetes: Kubernetes): Promise<Arrivals> {
    const arrivals = new Arrivals()
    await arrivals.#follow(kubernetes, 'Secret', (object) => arrivals.#seeSecret(object as Secret))
    await arrivals.#follow(kubernetes, 'Certificate', (object) =>
      arrivals.#seeCertificate(object as Certificate),
    )
    return arrivals
  }

  /**
   * Waits for a revision of a Certificate whose Secret is named `<name>-tls`.
   * @throws Error if it does not come within five minutes, with the last status
   */
  async of(namespace: string, name: string, revision: number): Promise<Arrival> {
    const key = `${namespace}/${name}`
    const limit = setTimeout(() => this.#waiting.get(key)?.(), LIMIT_MS)
    const end = performance.now() + LIMIT_MS
    try {
      for (;;) {
        if (this.#failure !== undefined) throw this.#failure as Error
        const readyAt = this.#ready.get(key)?.get(revision)
        const secret = this.#secrets.get(`${key}-tls`)?.[revision - 1]
        if (readyAt !== undefined && secret !== undefined)
          return { secretAt: secret.at, readyAt, chain: secret.chain, key: secret.key }
        if (performance.now() >= end) throw new Error(this.#late(key, revision))
        await new Promise<void>((resolve) => this.#waiting.set(key, resolve))
      }
    } finally {
      clearTimeout(limit)
      this.#waiting.delete(key)
    }
  }

  stop(): void {
    this.#end.abort()
  }

  async #follow(kubernetes: Kubernetes, kind: Kind, see: (object: unknown) => void): Promise<void> {
    const { resourceVersion } = await kubernetes.list(apiPath(kind), { limit: '1' })
    void this.#read(await changesOf(kubernetes, apiPath(kind), resourceVersion, this.#end.signal), see)
  }

  async #read(changes: AsyncIterable<WatchEvent>, see: (object: unknown) => void): Promise<void> {
    try {
      for await (const { type, object } of changes) if (type !== 'DELETED') see(object)
    } catch (error) {
      if (this.#end.signal.aborted) return
      this.#failure = error
      for (const wake of this.#waiting.values()) wake()
    }
  }

  #seeSecret({ metadata, data = {} }: Secret): void {
    const chain = data['tls.crt'] ?? ''
    if (chain === '') return
    const key = `${metadata.namespace}/${metadata.name}`
    const versions = this.#secrets.get(key) ?? []
    this.#secrets.set(key, versions)
    const text = decoded(chain)
    if (versions.at(-1)?.chain === text) return
    versions.push({ at: performance.now(), chain: text, key: decoded(data['tls.key'] ?? '') })
    this.#wake(key.replace(/-tls$/, ''))
  }

  #seeCertificate({ metadata, status }: Certificate): void {
    const key = `${metadata.namespace}/${metadata.name}`
    this.#statuses.set(key, status)
    const is = (type: string) => status?.conditions?.find((one) => one.type === type)?.status === 'True'
    const revision = status?.revision
    if (revision === undefined || !is('Ready') || is('Issuing')) return
    const known = this.#ready.get(key) ?? new Map<number, number>()
    this.#ready.set(key, known)
    if (!known.has(revision)) known.set(revision, performance.now())
    this.#wake(key)
  }

  #wake(key: string): void {
    this.#waiting.get(key)?.()
  }

  #late(key: string, revision: number): string {
    const status = JSON.stringify(this.#statuses.get(key))
    return `${key} is not Ready at revision ${revision} after ${LIMIT_MS / 1000} s; its status: ${status}`
  }
}

function decoded(base64: string): string {
  return Buffer.from(base64, 'base64').toString()
}
