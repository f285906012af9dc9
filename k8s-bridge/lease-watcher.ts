import type { Kubernetes } from '../activities/clients/kubernetes.ts'
import { isOurs, LeaseRecord, systemClock, type Clock } from './lease-record.ts'
import { describeError, type Logger } from './logger.ts'

export interface LeaseWatcherOptions {
  kubernetes: Kubernetes
  logger: Logger
  namespace?: string
  name?: string
  /** Milliseconds between two looks; default 2000. */
  period?: number
  /** Milliseconds after which what was read last is no longer to be relied on; default 10,000. */
  staleAfter?: number
  /** Milliseconds for one call to the API server; default 3000. */
  callTimeout?: number
  clock?: Clock
}

/** Who holds the Lease, for those who write but do not run for it: read every few seconds, answered from memory. */
export class LeaseWatcher {
  readonly #record: LeaseRecord
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #period: number
  readonly #staleAfter: number
  readonly #listeners = new Set<(mayWrite: boolean) => void>()
  #state: 'new' | 'running' | 'stopped' = 'new'
  #identity = ''
  #readAt = -Infinity
  #told = false
  #cancelPause: () => void = () => undefined
  #cancelStale: () => void = () => undefined
  #loop: Promise<void> = Promise.resolve()

  constructor(options: LeaseWatcherOptions) {
    this.#record = new LeaseRecord(options.kubernetes, options.namespace, options.name, options.callTimeout)
    this.#logger = options.logger
    this.#clock = options.clock ?? systemClock
    this.#period = options.period ?? 2000
    this.#staleAfter = options.staleAfter ?? 10_000
    if (this.#staleAfter <= this.#period)
      throw new Error(`staleAfter (${this.#staleAfter} ms) must be more than period (${this.#period} ms)`)
  }

  /** Resolves after the first look, whether it succeeded or not. */
  async start(): Promise<void> {
    if (this.#state !== 'new') throw new Error('a LeaseWatcher is started once: make a new one')
    this.#state = 'running'
    await this.refresh()
    this.#loop = this.#run()
  }

  /** Final; the holder is unknown from then on. */
  async stop(): Promise<void> {
    this.#state = 'stopped'
    this.#cancelPause()
    this.#cancelStale()
    this.#readAt = -Infinity
    this.#tell()
    await this.#loop
  }

  /** The holder as read last, `''` for none; `fresh` is false where that was too long ago to be relied on. */
  currentHolder(): { identity: string; fresh: boolean } {
    return { identity: this.#identity, fresh: this.#clock.monotonic() - this.#readAt < this.#staleAfter }
  }

  /** True while a certloom bridge is known to hold the Lease: only then may we write. */
  mayWrite(): boolean {
    const { identity, fresh } = this.currentHolder()
    return fresh && isOurs(identity)
  }

  /** Calls `listener` when `mayWrite` changes; returns what ends that. */
  onChange(listener: (mayWrite: boolean) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Looks now; failures are logged and leave what is known to grow stale. */
  async refresh(): Promise<void> {
    // Counted from before the call, as its answer may be as old as that.
    const began = this.#clock.monotonic()
    try {
      const lease = await this.#record.read()
      if (this.#state === 'stopped') return
      this.#identity = lease?.spec?.holderIdentity ?? ''
      this.#readAt = began
      this.#cancelStale()
      // A timer may fire a moment early by the monotonic clock, and nobody would tell afterwards.
      this.#cancelStale = this.#clock.after(this.#staleAfter + 1, () => this.#tell())
    } catch (error) {
      this.#logger.warn({ lease: this.#record.name, error: describeError(error) }, 'Lease cannot be read')
    }
    this.#tell()
  }

  async #run(): Promise<void> {
    while (this.#isRunning()) {
      await new Promise<void>((resolve) => {
        const cancel = this.#clock.after(this.#period, resolve)
        this.#cancelPause = () => {
          cancel()
          resolve()
        }
      })
      if (this.#isRunning()) await this.refresh()
    }
  }

  #isRunning(): boolean {
    return this.#state === 'running'
  }

  #tell(): void {
    const mayWrite = this.mayWrite()
    if (mayWrite === this.#told) return
    this.#told = mayWrite
    this.#logger.info(
      { lease: this.#record.name, holder: this.#identity, mayWrite },
      'holder of the Lease changed',
    )
    for (const listener of this.#listeners) {
      try {
        listener(mayWrite)
      } catch (error) {
        this.#logger.error({ error: describeError(error) }, 'listener of the Lease failed')
      }
    }
  }
}
