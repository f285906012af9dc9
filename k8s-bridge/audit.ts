import type { KnownFacts } from '../workflows/messages.ts'
import { keyOf, TemporalUnavailable, type Doorbell, type OpenWorkflow, type Target } from './doorbell.ts'
import { describeError, type Logger } from './logger.ts'
import { Troubles } from './troubles.ts'
import type { Watched } from './watched.ts'

export interface AuditOptions {
  doorbell: Doorbell
  logger: Logger
  watched: Watched
  auditInterval: number
  mayAct: () => boolean
  known: (target: Target, facts: KnownFacts) => void
  forget: (target: Target) => void
  changed: (target: Target, cause: string) => void
}

/** How soon a comparison that failed is tried again, in milliseconds. */
const RETRY_MS = 2_000

/**
 * Compares all objects with all open workflows, at start and now and then: starts what is missing, whatever terminated
 * it, and rings for what should be gone.
 */
export class Audit {
  readonly #options: AuditOptions
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #stopped = false
  #done = false
  #unavailable = false
  readonly #troubles: Troubles

  constructor(options: AuditOptions) {
    this.#options = options
    this.#troubles = new Troubles(options.logger)
  }

  /** See {@link Troubles.byCause}. */
  get troubled(): ReadonlyMap<string, number> {
    return this.#troubles.byCause
  }

  /** True once a comparison has succeeded since we may act. */
  get done(): boolean {
    return this.#done
  }

  /** True while the last comparison failed because Temporal did not answer. */
  get unavailable(): boolean {
    return this.#unavailable
  }

  start(): void {
    this.#schedule(0)
  }

  /** One comparison; a second call while one is under way waits for that one. */
  run(): Promise<void> {
    this.#running ??= this.#compare().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#running
  }

  #schedule(delay: number): void {
    if (this.#stopped) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.run(), delay)
    this.#timer.unref()
  }

  async #compare(): Promise<void> {
    const { doorbell, logger, watched, mayAct, auditInterval } = this.#options
    if (!mayAct() || !watched.synced) {
      // Another bridge may ring now: what is known here grows old.
      this.#done &&= mayAct()
      return this.#schedule(RETRY_MS)
    }
    try {
      const open = await doorbell.openWorkflows()
      this.#troubles.see([...open.values()])
      const targets = watched.targets()
      this.#done = true
      this.#unavailable = false
      for (const target of targets) this.#settle(target, open.get(keyOf(target)))
      const present = new Set(targets.map(keyOf))
      for (const [key, { target }] of open) if (!present.has(key)) this.#options.changed(target, 'deleted')
      logger.debug({ objects: targets.length, open: open.size }, 'objects compared with open workflows')
      this.#schedule(auditInterval)
    } catch (error) {
      logger.warn({ error: describeError(error) }, 'open workflows cannot be listed; trying again')
      this.#unavailable = error instanceof TemporalUnavailable
      if (!this.#done && this.#unavailable)
        for (const target of watched.targets()) this.#options.changed(target, '')
      this.#schedule(RETRY_MS)
    }
  }

  #settle(target: Target, open: OpenWorkflow | undefined): void {
    if (open === undefined) {
      this.#options.forget(target)
      this.#options.changed(target, 'no workflow is open')
      return
    }
    if (open.known !== undefined) this.#options.known(target, open.known)
    this.#options.changed(target, '')
  }
}
