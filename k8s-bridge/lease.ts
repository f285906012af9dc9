import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { isStatus, type Kubernetes } from '../activities/clients/kubernetes.ts'
import {
  LeaseRecord,
  microTime,
  newIdentity,
  systemClock,
  type Clock,
  type LeaseObject,
} from './lease-record.ts'
import { describeError, type Logger } from './logger.ts'

export { isOurs, LEASE_NAME, LEASE_NAMESPACE, systemClock, type Clock } from './lease-record.ts'
export { LeaseWatcher, type LeaseWatcherOptions } from './lease-watcher.ts'

export interface LeaseHolderOptions {
  kubernetes: Kubernetes
  logger: Logger
  /** Default `kube-system`, as upstream. */
  namespace?: string
  /** Default `cert-manager-controller`. */
  name?: string
  /** Default `certloom/<host>_<random>`; must be unique to this process. */
  identity?: string
  /** Milliseconds without renewal after which others may take over; whole seconds. Default 15,000. */
  leaseDuration?: number
  /** Milliseconds without renewal after which we stop on our own; shorter than leaseDuration. Default 10,000. */
  renewDeadline?: number
  /** Milliseconds between two tries; shorter than renewDeadline. Default 2000. */
  retryPeriod?: number
  /** Milliseconds for one call to the API server. Default 3000. */
  callTimeout?: number
  clock?: Clock
}

/** A version of the Lease as we saw it, and when it was first seen to be like this, in monotonic milliseconds. */
interface Observation {
  mark: string
  since: number
}

/**
 * Leader election on a Lease, as client-go does it and able to share the Lease with it. The time of day of others is
 * never compared with ours: what counts is how long the record has not changed before our eyes.
 */
export class LeaseHolder {
  readonly identity: string
  readonly #record: LeaseRecord
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #leaseDuration: number
  readonly #renewDeadline: number
  readonly #retryPeriod: number
  readonly #listeners = new Set<(holder: boolean) => void>()
  #state: 'new' | 'running' | 'stopped' = 'new'
  #lease: LeaseObject | undefined
  #seen: Observation | undefined
  #validUntil = -Infinity
  #holder = false
  #decided = false
  #cancelDemotion: () => void = () => undefined
  #cancelPause: () => void = () => undefined
  #loop: Promise<void> = Promise.resolve()

  constructor(options: LeaseHolderOptions) {
    const { leaseDuration = 15_000, renewDeadline = 10_000, retryPeriod = 2000, callTimeout = 3000 } = options
    if (leaseDuration < 1000 || leaseDuration % 1000 !== 0)
      throw new Error(
        `leaseDuration is ${leaseDuration} ms: the Lease keeps whole seconds, give at least one`,
      )
    if (!(retryPeriod > 0 && retryPeriod < renewDeadline && renewDeadline < leaseDuration))
      throw new Error(
        `retryPeriod (${retryPeriod} ms) < renewDeadline (${renewDeadline} ms) < leaseDuration (${leaseDuration} ms) must hold`,
      )
    this.identity = options.identity ?? newIdentity(hostname(), randomUUID())
    this.#record = new LeaseRecord(options.kubernetes, options.namespace, options.name, callTimeout)
    this.#logger = options.logger
    this.#clock = options.clock ?? systemClock
    this.#leaseDuration = leaseDuration
    this.#renewDeadline = renewDeadline
    this.#retryPeriod = retryPeriod
  }

  start(): void {
    if (this.#state !== 'new') throw new Error('a LeaseHolder is started once: make a new one')
    this.#state = 'running'
    this.#loop = this.#run()
  }

  /** True while we may act. Asked at the time of the act: a blocked process finds its time over, timer or not. */
  isHolder(): boolean {
    return this.#holder && this.#clock.monotonic() < this.#validUntil
  }

  /** True once it is known who holds the Lease, we or somebody else. */
  get decided(): boolean {
    return this.#decided
  }

  /** Calls `listener` at each change; returns what ends that. */
  onChange(listener: (holder: boolean) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Final. We are no holder from the first moment on; with `release` the Lease is then given up, so that the next one
   * need not wait for its end.
   */
  async stop(options: { release: boolean }): Promise<void> {
    const first = this.#state !== 'stopped'
    this.#state = 'stopped'
    this.#cancelPause()
    // The record as written: our own time may be over while it still names us.
    this.#demote('stopping')
    await this.#loop
    if (first && options.release) await this.#release()
  }

  async #run(): Promise<void> {
    while (this.#isRunning()) {
      try {
        await this.#round()
        this.#decided = true
      } catch (error) {
        this.#logger.warn(
          { lease: this.#record.name, error: describeError(error) },
          'Lease cannot be kept or taken',
        )
      }
      if (this.#isRunning()) await this.#pause()
    }
  }

  async #round(): Promise<void> {
    // What we wrote last is the current version unless somebody else has written since: one call instead of two.
    if (this.#lease?.spec?.holderIdentity === this.identity) {
      try {
        await this.#take(this.#lease)
        return
      } catch (error) {
        this.#lease = undefined
        if (!isStatus(error, 409) && !isStatus(error, 404)) throw error
      }
    }
    const lease = await this.#record.read()
    if (!this.#isRunning()) return
    if (lease === undefined) return await this.#takeOrLose(this.#newLease())
    this.#observe(lease)
    const holder = lease.spec?.holderIdentity ?? ''
    if (holder === this.identity || holder === '' || this.#isOver(lease)) await this.#takeOrLose(lease)
    else if (this.#holder) this.#demote(`taken over by ${holder}`)
  }

  async #takeOrLose(lease: LeaseObject): Promise<void> {
    try {
      await this.#take(lease)
    } catch (error) {
      if (!isStatus(error, 409)) throw error
      this.#logger.debug({ lease: this.#record.name }, 'another candidate was faster')
    }
  }

  async #take(lease: LeaseObject): Promise<void> {
    // Our time counts from before the write: the server may have stored it at once and answered late.
    const began = this.#clock.monotonic()
    const now = microTime(this.#clock.date())
    const before = lease.spec ?? {}
    const renewal = before.holderIdentity === this.identity
    const transitions = before.leaseTransitions ?? 0
    const written = await this.#record.write({
      ...lease,
      spec: {
        ...before,
        holderIdentity: this.identity,
        leaseDurationSeconds: this.#leaseDuration / 1000,
        acquireTime: renewal ? (before.acquireTime ?? now) : now,
        renewTime: now,
        leaseTransitions:
          renewal || lease.metadata.resourceVersion === undefined ? transitions : transitions + 1,
      },
    })
    this.#lease = written
    this.#seen = undefined
    if (this.#isRunning()) this.#promote(began + this.#renewDeadline)
  }

  async #release(): Promise<void> {
    try {
      const lease = this.#lease ?? (await this.#record.read())
      if (lease?.spec?.holderIdentity !== this.identity) return
      const now = microTime(this.#clock.date())
      const spec = {
        ...lease.spec,
        holderIdentity: '',
        leaseDurationSeconds: 1,
        renewTime: now,
        acquireTime: now,
      }
      await this.#record.write({ ...lease, spec })
    } catch (error) {
      this.#logger.warn(
        { lease: this.#record.name, error: describeError(error) },
        'Lease was not released: the next holder waits for its end',
      )
    }
  }

  /** Version, time and holder together are only a mark: has anybody written since we looked last? */
  #observe(lease: LeaseObject): void {
    const { holderIdentity, renewTime } = lease.spec ?? {}
    const mark = JSON.stringify([lease.metadata.resourceVersion, renewTime, holderIdentity])
    if (this.#seen?.mark !== mark) this.#seen = { mark, since: this.#clock.monotonic() }
  }

  #isOver(lease: LeaseObject): boolean {
    const duration = (lease.spec?.leaseDurationSeconds ?? this.#leaseDuration / 1000) * 1000
    return this.#seen !== undefined && this.#clock.monotonic() - this.#seen.since >= duration
  }

  #promote(validUntil: number): void {
    if (validUntil <= this.#clock.monotonic()) return
    this.#validUntil = validUntil
    this.#cancelDemotion()
    // A timer of its own: a call that hangs cannot keep us in office.
    this.#cancelDemotion = this.#clock.after(validUntil - this.#clock.monotonic(), () =>
      this.#demote('not renewed in time'),
    )
    if (!this.#holder) this.#change(true, 'we hold the Lease')
  }

  #demote(why: string): void {
    this.#cancelDemotion()
    this.#validUntil = -Infinity
    if (this.#holder) this.#change(false, why)
  }

  #change(holder: boolean, why: string): void {
    this.#holder = holder
    this.#logger.info({ lease: this.#record.name, identity: this.identity, holder, why }, 'Lease changed')
    for (const listener of this.#listeners) {
      try {
        listener(holder)
      } catch (error) {
        this.#logger.error({ error: describeError(error) }, 'listener of the Lease failed')
      }
    }
  }

  #newLease(): LeaseObject {
    const { name, namespace } = this.#record
    return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace } }
  }

  #isRunning(): boolean {
    return this.#state === 'running'
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(this.#retryPeriod, resolve)
      this.#cancelPause = () => {
        cancel()
        resolve()
      }
    })
  }
}
