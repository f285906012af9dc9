import type { Kubernetes } from '../../activities/clients/kubernetes.ts'
import type { Certificate } from '../../k8s-bridge/api/certificate.ts'
import type { Challenge } from '../../k8s-bridge/api/challenge.ts'
import type { Issuer } from '../../k8s-bridge/api/issuer.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import type { Order } from '../../k8s-bridge/api/order.ts'
import { informer, type InformerDefinition } from '../../k8s-bridge/informers/definition.ts'
import { InformerRegistry } from '../../k8s-bridge/informers/registry.ts'
import type { StoredObject } from '../../k8s-bridge/informers/store.ts'
import type { Step } from './steps.ts'
import {
  certificateChanges,
  challengeChanges,
  eventChanges,
  orderChanges,
  type Change,
  type Event,
} from './changes.ts'

type Live<T> = T & StoredObject

export interface WatchOptions {
  readonly kubernetes: Kubernetes
  readonly namespace: string
  /** Show Kubernetes events too. */
  readonly events: boolean
  readonly onStep: (step: Step) => void
}

/** The demo's objects in the cluster: tells of their changes as they happen, and waits for facts about them. */
export class WatchedObjects {
  readonly #registry: InformerRegistry
  readonly #options: WatchOptions
  readonly #waiting = new Set<() => void>()

  constructor(options: WatchOptions) {
    this.#options = options
    const silent = () => undefined
    const logger = { debug: silent, info: silent, warn: silent, error: silent }
    this.#registry = new InformerRegistry({ kubernetes: options.kubernetes, logger })
    const { namespace } = options
    const informers = [
      this.#define<Live<Issuer>>('issuers', apiPath('ClusterIssuer'), () => []),
      this.#define<Live<Certificate>>('certificates', apiPath('Certificate', namespace), certificateChanges),
      this.#define<Live<Order>>('orders', apiPath('Order', namespace), orderChanges),
      this.#define<Live<Challenge>>('challenges', apiPath('Challenge', namespace), challengeChanges),
    ]
    if (options.events)
      informers.push(this.#define<Live<Event>>('events', apiPath('Event', namespace), eventChanges))
    this.#registry.register({ name: 'demo', informers })
  }

  async start(): Promise<void> {
    await this.#registry.start()
  }

  stop(): Promise<void> {
    return this.#registry.stop()
  }

  certificate(key: string): Live<Certificate> | undefined {
    return this.#registry.store<Live<Certificate>>('certificates').get(key)
  }

  issuer(name: string): Live<Issuer> | undefined {
    return this.#registry.store<Live<Issuer>>('issuers').get(name)
  }

  /** Resolves with what `find` finds, as soon as it does. Rejects with the reason of the signal. */
  async until<T>(find: () => T | undefined, signal: AbortSignal): Promise<T> {
    for (;;) {
      signal.throwIfAborted()
      const found = find()
      if (found !== undefined) return found
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.add(resolve)
      const onAbort = () => resolve()
      signal.addEventListener('abort', onAbort, { once: true })
      await promise
      signal.removeEventListener('abort', onAbort)
      this.#waiting.delete(resolve)
    }
  }

  #define<T extends StoredObject>(
    name: string,
    path: string,
    changes: (now: T, before: T | undefined) => Change[],
  ): InformerDefinition {
    const tell = (now: T, before: T | undefined) => {
      for (const change of changes(now, before)) this.#options.onStep({ at: Date.now(), ...change })
      for (const look of this.#waiting) look()
    }
    return informer<T>({
      name,
      path,
      handler: {
        onAdd: (object) => tell(object, undefined),
        onUpdate: (object, before) => tell(object, before),
      },
    })
  }
}
