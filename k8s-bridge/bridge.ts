import type { Kubernetes } from '../activities/clients/kubernetes.ts'
import type { KnownFacts } from '../workflows/messages.ts'
import { Audit } from './audit.ts'
import { keyOf, sameFacts, TemporalUnavailable, type Doorbell, type Target } from './doorbell.ts'
import { WorkQueue } from './informers/work-queue.ts'
import type { Logger } from './logger.ts'
import { Outage } from './outage.ts'
import { Watched } from './watched.ts'

export interface BridgeOptions {
  kubernetes: Kubernetes
  doorbell: Doorbell
  logger: Logger
  clusterResourceNamespace: string
  /** Milliseconds between two comparisons of all objects with all open workflows. */
  auditInterval: number
  /** Whether this process may act now: it holds the Lease. */
  mayAct: () => boolean
}

/**
 * Informers in, signals out. It rings when an object is new to Temporal or when its facts changed, and decides nothing:
 * what to do is found out by the workflow, from the live object.
 */
export class Bridge {
  readonly #options: BridgeOptions
  readonly #watched: Watched
  readonly #queue: WorkQueue
  readonly #audit: Audit
  readonly #outage: Outage
  /** What Temporal knows, by target: from the memos at start, then from every ring that got through. */
  readonly #known = new Map<string, KnownFacts>()
  /** Why to ring although the facts may be known, by target. Kept apart: a later event without a cause must not lose it. */
  readonly #causes = new Map<string, string>()
  #ready = false

  constructor(options: BridgeOptions) {
    this.#options = options
    this.#outage = new Outage(options.kubernetes, options.logger)
    this.#queue = new WorkQueue({
      name: 'doorbell',
      logger: options.logger,
      concurrency: 16,
      backoffBase: 500,
      backoffMax: 5_000,
      process: (key) => this.#process(key),
    })
    this.#watched = new Watched({
      ...options,
      changed: (target, cause) => this.#add(target, cause),
      ownWrite: (target, field) => this.#learn(target, field),
    })
    this.#audit = new Audit({
      ...options,
      watched: this.#watched,
      known: (target, facts) => this.#known.set(keyOf(target), facts),
      forget: (target) => this.#known.delete(keyOf(target)),
      changed: (target, cause) => this.#add(target, cause),
    })
  }

  /** True once the informers have synced and the objects were compared with the open workflows. */
  get ready(): boolean {
    return this.#ready && this.#watched.synced
  }

  async start(): Promise<void> {
    await this.#watched.start()
    this.#audit.start()
    this.#ready = true
  }

  /** Called when the Lease was taken: what happened meanwhile is found by comparing. */
  takeOver(): Promise<void> {
    return this.#audit.run()
  }

  async stop(): Promise<void> {
    this.#ready = false
    await this.#audit.stop()
    await this.#queue.stop()
    await this.#watched.stop()
  }

  #add(target: Target, cause: string): void {
    const key = keyOf(target)
    if (cause !== '') this.#causes.set(key, cause)
    this.#queue.add(key)
  }

  /** A change that our own workflow made: it knows. Only of that field: what others changed meanwhile is still news. */
  #learn(target: Target, field: 'issuing' | 'secretVersion'): void {
    const facts = this.#watched.facts(target)
    const known = this.#known.get(keyOf(target))
    if (facts !== undefined && known !== undefined)
      this.#known.set(keyOf(target), { ...known, [field]: facts[field] })
  }

  async #process(key: string): Promise<void> {
    if (!this.#options.mayAct()) return
    const target = targetOf(key)
    const facts = this.#watched.facts(target)
    // Until the memos were read nobody can tell what is news; the comparison comes back to every object.
    if (!this.#audit.done) {
      if (facts !== undefined && this.#audit.unavailable && this.#watched.waits(target))
        await this.#outage.tell(target, facts.uid)
      return
    }
    const cause = this.#causes.get(key) ?? ''
    this.#causes.delete(key)
    try {
      await this.#ring(key, target, facts, cause)
    } catch (error) {
      if (cause !== '' && !this.#causes.has(key)) this.#causes.set(key, cause)
      if (error instanceof TemporalUnavailable && facts !== undefined)
        await this.#outage.tell(target, facts.uid)
      throw error
    }
  }

  async #ring(key: string, target: Target, facts: KnownFacts | undefined, cause: string): Promise<void> {
    const { doorbell } = this.#options
    if (facts === undefined) {
      await doorbell.tellDeleted(target)
      this.#known.delete(key)
    } else if (cause !== '' || !sameFacts(this.#known.get(key), facts)) {
      // Noted before the call: what the workflow writes while the call is under way is noted after it.
      this.#known.set(key, facts)
      try {
        await doorbell.ring(target, 'changed', facts, cause)
      } catch (error) {
        this.#known.delete(key)
        throw error
      }
    } else {
      return
    }
    // Only a call that got through shows that Temporal is there.
    this.#outage.over()
  }
}

function targetOf(key: string): Target {
  const [kind, namespace, name] = key.split('/') as [Target['kind'], string, string]
  return { kind, namespace, name }
}
