import { setTimeout as wait } from 'node:timers/promises'
import type { Kubernetes } from '../../activities/clients/kubernetes.ts'
import { describeError, type Logger } from '../logger.ts'
import { differences, type InformerDefinition } from './definition.ts'
import { Informer, type InformerHealth } from './informer.ts'
import type { ReflectorTimes } from './reflector.ts'
import type { Store, StoredObject } from './store.ts'

/**
 * A component that takes part, as a CoreDNS plug-in does in k8s_api: it says which resources it needs and is handed
 * every store by name, whoever asked for it first.
 */
export interface Registrant {
  name: string
  /** Resources that it needs and can define. */
  informers?: InformerDefinition[]
  /** Names of resources that others define and it reads. */
  uses?: string[]
  /** Called once for every name at start. An exception aborts the start. */
  setStore?(name: string, store: Store<StoredObject>): void
  /** Called once at start with a function that tells whether everything this registrant needs is in its stores. */
  setHasSynced?(hasSynced: () => boolean): void
}

export interface RegistryOptions {
  kubernetes: Kubernetes
  logger: Logger
  /** Milliseconds that `start` waits for the first lists before it goes on with a warning; default 5000. */
  startTimeout?: number
  /**
   * What `hasSynced` of a registrant covers: what it needs (default), or strictly what it defines, as CoreDNS k8s_api
   * has it, where a registrant that only reads is synced at once.
   */
  syncScope?: 'needed' | 'defined'
  times?: Partial<ReflectorTimes>
  random?: () => number
}

type State = 'new' | 'started' | 'stopped'

/** Shared informers: each resource is listed and watched once, and everybody reads the same store. */
export class InformerRegistry {
  readonly #options: RegistryOptions
  readonly #registrants: Registrant[] = []
  readonly #informers = new Map<string, Informer>()
  readonly #stop = new AbortController()
  #state: State = 'new'
  #starting: Promise<{ synced: boolean }> | undefined
  #loops: Promise<void>[] = []

  constructor(options: RegistryOptions) {
    this.#options = options
  }

  /** Before `start`. Where a name is defined already, the first definition stays; handlers and new indexes are added. */
  register(registrant: Registrant): void {
    if (this.#state !== 'new')
      throw new Error(`${registrant.name} registers too late: the informers have started`)
    if (this.#registrants.some((other) => other.name === registrant.name))
      throw new Error(`two registrants are called ${registrant.name}: give each its own name`)
    this.#registrants.push(registrant)
    for (const definition of registrant.informers ?? []) this.#define(registrant.name, definition)
  }

  /** The store of that name, to be read at any time; empty until its first list. Throws for an unknown name. */
  store<T extends StoredObject>(name: string): Store<T> {
    return this.#informer(name, 'store').store as unknown as Store<T>
  }

  /** Called again it gives the same promise. `synced` is false where the first lists took longer than the limit. */
  start(): Promise<{ synced: boolean }> {
    if (this.#state === 'stopped')
      return Promise.reject(new Error('the informers were stopped: make a new registry'))
    this.#state = 'started'
    return (this.#starting ??= this.#start())
  }

  /** Final. Resolves when no loop runs and no watch is open any more. */
  async stop(): Promise<void> {
    this.#state = 'stopped'
    this.#stop.abort(new Error('the informers were stopped'))
    await this.#starting?.catch(() => undefined)
    await Promise.all(this.#loops)
  }

  /** Of one registrant, or of all. False until the first list of everything concerned has been delivered. */
  hasSynced(registrant?: string): boolean {
    return this.#concerning(registrant).every((informer) => informer.hasSynced)
  }

  /** Resolves when `hasSynced` becomes true; rejects when the registry is stopped before. */
  async whenSynced(registrant?: string): Promise<void> {
    const { signal } = this.#stop
    signal.throwIfAborted()
    const stopped = Promise.withResolvers<never>()
    const onAbort = () => stopped.reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort)
    try {
      await Promise.race([
        Promise.all(this.#concerning(registrant).map((i) => i.whenSynced)),
        stopped.promise,
      ])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  health(): InformerHealth[] {
    return [...this.#informers.values()].map((informer) => informer.health)
  }

  #define(registrant: string, definition: InformerDefinition): void {
    let informer = this.#informers.get(definition.name)
    if (informer) {
      const differs = differences(informer.definition, definition)
      if (differs.length > 0)
        this.#options.logger.warn(
          { informer: definition.name, registrant, differs },
          'informer is defined twice and differently: the first definition counts',
        )
    } else {
      informer = new Informer(definition, this.#options)
      this.#informers.set(definition.name, informer)
    }
    for (const [name, keysOf] of Object.entries(definition.indexes ?? {})) {
      const first = informer.store.indexFunction(name)
      if (first === undefined) informer.addIndex(name, keysOf)
      else if (first !== keysOf)
        this.#options.logger.warn(
          { informer: definition.name, registrant, index: name },
          'index is defined twice and differently: the first definition counts',
        )
    }
    if (definition.handler) informer.addHandler(registrant, definition.handler)
  }

  async #start(): Promise<{ synced: boolean }> {
    for (const registrant of this.#registrants) this.#introduce(registrant)
    this.#loops = [...this.#informers.values()].map((informer) => informer.run(this.#stop.signal))
    const limit = new AbortController()
    const synced = await Promise.race([
      this.whenSynced().then(
        () => true,
        () => false,
      ),
      wait(this.#options.startTimeout ?? 5000, false, { signal: limit.signal }).catch(() => false),
    ])
    limit.abort()
    if (!synced && !this.#stop.signal.aborted) {
      const missing = [...this.#informers.values()].filter((i) => !i.hasSynced).map((i) => i.definition.name)
      this.#options.logger.warn({ missing }, 'not all resources are listed yet: going on without them')
    }
    return { synced }
  }

  #introduce(registrant: Registrant): void {
    for (const name of registrant.uses ?? []) this.#informer(name, registrant.name)
    for (const [name, informer] of this.#informers) {
      try {
        registrant.setStore?.(name, informer.store)
      } catch (cause) {
        const message = `${registrant.name} refuses the store ${name}: ${describeError(cause)}`
        throw new Error(message, { cause })
      }
    }
    registrant.setHasSynced?.(() => this.hasSynced(registrant.name))
  }

  #concerning(name: string | undefined): Informer[] {
    if (name === undefined) return [...this.#informers.values()]
    const registrant = this.#registrants.find((other) => other.name === name)
    if (!registrant) throw new Error(`no registrant is called ${name}`)
    const names = (registrant.informers ?? []).map((definition) => definition.name)
    if (this.#options.syncScope !== 'defined') names.push(...(registrant.uses ?? []))
    return names.map((used) => this.#informer(used, name))
  }

  #informer(name: string, who: string): Informer {
    const informer = this.#informers.get(name)
    if (informer) return informer
    const known = [...this.#informers.keys()].join(', ') || 'none'
    throw new Error(`${who} asks for the resource "${name}", which nobody defines (defined: ${known})`)
  }
}
