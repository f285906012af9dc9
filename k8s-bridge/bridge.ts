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
  readonly #queue: WorkQueue<string>
  readonly #audit: Audit
  readonly #outage: Outage
  /** What Temporal knows, by target: from the memos at start, then from every ring that got through. */
  readonly #known = new Map<string, KnownFacts>()
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
      process: (key, cause) => this.#process(key, cause),
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
    this.#queue.add(keyOf(target), cause)
  }

  /** A change that our own workflow made: it knows. Only of that field: what others changed meanwhile is still news. */
  #learn(target: Target, field: 'issuing' | 'secretVersion'): void {
    const facts = this.#watched.facts(target)
    const known = this.#known.get(keyOf(target))
    if (facts !== undefined && known !== undefined) this.#known.set(keyOf(target), { ...known, [field]: facts[field] })
  }

  async #process(key: string, cause: string): Promise<void> {
    if (!this.#options.mayAct()) return
    const target = targetOf(key)
    const facts = this.#watched.facts(target)
    try {
      if (facts === undefined) {
        await this.#options.doorbell.tellDeleted(target)
        this.#known.delete(key)
      } else if (cause !== '' || !sameFacts(this.#known.get(key), facts)) {
        await this.#options.doorbell.ring(target, 'changed', facts, cause)
        this.#known.set(key, facts)
      }
      this.#outage.over()
    } catch (error) {
      if (error instanceof TemporalUnavailable && facts !== undefined) await this.#outage.tell(target, facts.uid)
      throw error
    }
  }
}

function targetOf(key: string): Target {
  const [kind, namespace, name] = key.split('/') as [Target['kind'], string, string]
  return { kind, namespace, name }
}
