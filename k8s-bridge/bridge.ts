import type { Kubernetes } from '../activities/clients/kubernetes.ts'
import type { KnownFacts } from '../workflows/messages.ts'
import { Audit } from './audit.ts'
import { keyOf, sameFacts, TemporalUnavailable, type Doorbell, type Target } from './doorbell.ts'
import { WorkQueue } from './informers/work-queue.ts'
import { Issuances, type Issuance } from './metrics/issuances.ts'
import type { InformerHealth } from './informers/informer.ts'
import type { Logger } from './logger.ts'
import { Outage } from './outage.ts'
import { Watched, type ObservedStores } from './watched.ts'

export interface BridgeOptions {
  kubernetes: Kubernetes
  doorbell: Doorbell
  logger: Logger
  clusterResourceNamespace: string
  /** Milliseconds between two comparisons of all objects with all open workflows. */
  auditInterval: number
  /** Whether this process may act now: it holds the Lease. */
  mayAct: () => boolean
  /** Every issuance that was seen from its beginning to its end; for metrics. */
  onIssuance?: (issuance: Issuance) => void
}

/** What became of the looks at the facts of one kind of object, since the process began. */
export interface DoorbellCounts {
  /** Signals that got through. */
  rung: number
  /** Looks that found nothing new. */
  skipped: number
  /** Signals that did not get through; they are sent again. */
  failed: number
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
  readonly #counts: Record<Target['kind'], DoorbellCounts> = {
    Certificate: { rung: 0, skipped: 0, failed: 0 },
    Issuer: { rung: 0, skipped: 0, failed: 0 },
    ClusterIssuer: { rung: 0, skipped: 0, failed: 0 },
  }

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
    const { onIssuance } = options
    const observer = onIssuance && new Issuances((issuer) => this.#watched.issuerType(issuer), onIssuance)
    this.#watched = new Watched({
      ...options,
      ...(observer && { observer }),
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

  /** True once the objects were compared with the open workflows since we may act: what is missing has been rung for. */
  get compared(): boolean {
    return this.#audit.done
  }

  /** The objects as last seen; read at any time, also while Temporal is away. */
  get stores(): ObservedStores {
    return this.#watched.stores
  }

  get doorbells(): Readonly<Record<Target['kind'], Readonly<DoorbellCounts>>> {
    return this.#counts
  }

  /** Open workflows whose tasks fail, as the last comparison found them, by what Temporal says is the cause. */
  get troubled(): ReadonlyMap<string, number> {
    return this.#audit.troubled
  }

  /** Objects in line to be looked at. */
  get waiting(): number {
    return this.#queue.size
  }

  informers(): InformerHealth[] {
    return this.#watched.health()
  }

  async start(): Promise<void> {
    await this.#watched.start()
    this.#audit.start()
  }

  /** Called when the Lease was taken: what happened meanwhile is found by comparing. */
  takeOver(): Promise<void> {
    return this.#audit.run()
  }

  async stop(): Promise<void> {
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
      this.#counts[target.kind].failed++
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
      this.#counts[target.kind].skipped++
      return
    }
    this.#counts[target.kind].rung++
    // Only a call that got through shows that Temporal is there.
    this.#outage.over()
  }
}

function targetOf(key: string): Target {
  const [kind, namespace, name] = key.split('/') as [Target['kind'], string, string]
  return { kind, namespace, name }
}
