import { setTimeout as wait } from 'node:timers/promises'
import { KubernetesError, type Kubernetes, type WatchEvent } from '../../activities/clients/kubernetes.ts'
import { describeError, type Logger } from '../logger.ts'
import {
  bookmarkVersion,
  checked,
  errorInStream,
  isDoubtful,
  isExpired,
  malformed,
  type RawObject,
} from './answers.ts'
import { Backoff } from './backoff.ts'

/** Time bases of a reflector, in milliseconds. */
export interface ReflectorTimes {
  /** A watch without any event for so long is opened anew; bookmarks come about once a minute. */
  idleLimit: number
  /** The server ends each watch at a random time between these. */
  watchTimeout: readonly [number, number]
  backoffBase: number
  backoffMax: number
  /** A watch that lived so long counts as healthy, and so does a relist that is so long ago. */
  stable: number
  /** A list older than this is repeated when the watch ends, which repairs what a faulty proxy lost. */
  relistEvery: number
}

export const DEFAULT_TIMES: ReflectorTimes = {
  idleLimit: 90_000,
  watchTimeout: [300_000, 600_000],
  backoffBase: 500,
  backoffMax: 10_000,
  stable: 30_000,
  relistEvery: 6 * 3_600_000,
}

/** Where a reflector delivers. `T` is a list entry as kept between the pages: already shrunk. */
export interface ReflectorSink<T> {
  prepare(object: RawObject): T
  /** The state of the whole resource: what is not in it does not exist. */
  replace(entries: T[]): void
  change(type: 'ADDED' | 'MODIFIED' | 'DELETED', entry: T): void
}

export interface ReflectorOptions<T> {
  kubernetes: Kubernetes
  path: string
  query?: Record<string, string>
  metadataOnly?: boolean
  sink: ReflectorSink<T>
  logger: Logger
  times?: Partial<ReflectorTimes>
  random?: () => number
}

export interface ReflectorHealth {
  lists: number
  /** Lists after the first. */
  relists: number
  watches: number
  /** Watches that did not end in order. */
  failures: number
  /** Milliseconds since the epoch of the last event or bookmark. */
  lastEventAt?: number
  /** Milliseconds since the epoch of the last call or answer: a loop that lives gives one every few minutes at most. */
  lastSignAt?: number
  /** The loop has ended; nothing is followed any more. */
  ended: boolean
  lastError?: string
}

type Ending = 'closed' | 'idle' | 'expired'

/** Versions are dropped after so many watches in a row that failed for another reason than the server being away. */
const DOUBTS = 3
const META = 'g=meta.k8s.io;v=v1'

/** Keeps a sink equal to one resource of the API server, by list and watch, until its signal is aborted. */
export class Reflector<T> {
  readonly #options: ReflectorOptions<T>
  readonly #times: ReflectorTimes
  readonly #random: () => number
  readonly #listPause: Backoff
  readonly #watchPause: Backoff
  readonly #expiryPause: Backoff
  #version: string | undefined
  #listedAt = 0
  #expiredAt = -Infinity
  #idleInARow = 0
  #doubts = 0
  #events = 0
  #paged = true
  readonly #health: ReflectorHealth = { lists: 0, relists: 0, watches: 0, failures: 0, ended: false }

  constructor(options: ReflectorOptions<T>) {
    this.#options = options
    this.#times = { ...DEFAULT_TIMES, ...options.times }
    this.#random = options.random ?? Math.random
    const { backoffBase, backoffMax } = this.#times
    this.#listPause = new Backoff(backoffBase, backoffMax, this.#random)
    this.#watchPause = new Backoff(backoffBase, backoffMax, this.#random)
    this.#expiryPause = new Backoff(backoffBase, backoffMax, this.#random)
  }

  get health(): ReflectorHealth {
    return { ...this.#health }
  }

  /** Never rejects; ends soon after the signal. To be called once. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        this.#health.lastSignAt = Date.now()
        const pause =
          this.#version === undefined ? await this.#list(signal) : await this.#watch(this.#version, signal)
        if (pause > 0 && !signal.aborted) await wait(pause, undefined, { signal }).catch(() => undefined)
      }
    } finally {
      this.#health.ended = true
    }
  }

  /** One list; returns the pause before what comes next, in milliseconds. */
  async #list(signal: AbortSignal): Promise<number> {
    const { kubernetes, path, query, sink } = this.#options
    try {
      const entries: T[] = []
      let version: string | undefined
      const paging: Record<string, string> = this.#paged ? {} : { limit: '0' }
      const timeout = this.#paged ? 15_000 : 60_000
      const options = { accept: this.#accept('PartialObjectMetadataList'), signal, timeout, retries: 0 }
      for await (const page of kubernetes.pages<RawObject>(path, { ...query, ...paging }, options)) {
        // Shrunk page by page: the whole objects of a large cluster never are in memory together.
        for (const object of page.items) entries.push(sink.prepare(checked(path, object)))
        this.#health.lastSignAt = Date.now()
        version ??= page.resourceVersion
      }
      if (!version) throw malformed(path, 'a list without metadata.resourceVersion')
      if (signal.aborted) return 0
      sink.replace(entries)
      if (this.#health.lists++ > 0) this.#health.relists++
      this.#version = version
      this.#listedAt = performance.now()
      this.#paged = true
      this.#listPause.reset()
      return 0
    } catch (error) {
      if (signal.aborted) return 0
      // The snapshot behind the later pages has expired: in one piece the next list cannot meet that again.
      this.#paged = !(error instanceof KubernetesError && error.status === 410)
      return this.#failed('list', error, this.#listPause)
    }
  }

  /** One watch from `version` to its end; returns the pause before what comes next, in milliseconds. */
  async #watch(version: string, signal: AbortSignal): Promise<number> {
    const began = performance.now()
    const before = this.#events
    this.#health.watches++
    let ending: Ending
    try {
      ending = await this.#follow(version, signal)
    } catch (error) {
      if (signal.aborted) return 0
      if (isExpired(error)) ending = 'expired'
      else {
        if (isDoubtful(error) && ++this.#doubts >= DOUBTS) this.#drop('watch fails again and again')
        return this.#failed('watch', error, this.#watchPause)
      }
    }
    switch (ending) {
      case 'closed': {
        const progress = this.#events !== before
        if (performance.now() - this.#listedAt > this.#times.relistEvery) this.#drop('the list is old')
        const lived = performance.now() - began >= this.#times.stable
        if (progress || lived) this.#watchPause.reset()
        // Even a watch with events may be one that the server closes at once, for ever.
        return lived ? 0 : this.#watchPause.next()
      }
      case 'idle':
        this.#options.logger.info({ path: this.#options.path }, 'watch was silent: opening it anew')
        // After a restore of etcd our version lies in the future: the server then waits for it without a word.
        if (++this.#idleInARow >= 2) this.#drop('watch stays silent')
        return 0
      case 'expired':
        return this.#expired()
    }
  }

  async #follow(version: string, signal: AbortSignal): Promise<'closed' | 'idle'> {
    const { kubernetes, path, query } = this.#options
    const silence = new AbortController()
    const timer = setTimeout(() => silence.abort(), this.#times.idleLimit)
    try {
      const watch = await kubernetes.watch(
        path,
        {
          ...query,
          resourceVersion: version,
          allowWatchBookmarks: 'true',
          timeoutSeconds: String(this.#timeoutSeconds()),
        },
        { accept: this.#accept('PartialObjectMetadata'), signal: AbortSignal.any([signal, silence.signal]) },
      )
      for await (const event of watch) {
        if (signal.aborted) break
        timer.refresh()
        this.#take(event)
      }
      return 'closed'
    } catch (error) {
      if (silence.signal.aborted && !signal.aborted) return 'idle'
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  #take(event: WatchEvent): void {
    const { path, sink } = this.#options
    if (event.type === 'ERROR') throw errorInStream(path, event.object)
    if (event.type === 'BOOKMARK') {
      this.#version = bookmarkVersion(path, event.object)
    } else {
      const object = checked(path, event.object)
      sink.change(event.type, sink.prepare(object))
      this.#version = object.metadata.resourceVersion
    }
    this.#events++
    this.#health.lastEventAt = Date.now()
    this.#health.lastSignAt = this.#health.lastEventAt
    this.#idleInARow = 0
    this.#doubts = 0
  }

  /** 410: list at once with the pauses of the outage forgotten, unless that has just been done. */
  #expired(): number {
    this.#drop('version has expired')
    this.#watchPause.reset()
    const recently = performance.now() - this.#expiredAt < this.#times.stable
    this.#expiredAt = performance.now()
    if (recently) return this.#expiryPause.next()
    this.#expiryPause.reset()
    return 0
  }

  #drop(why: string): void {
    this.#version = undefined
    this.#idleInARow = 0
    this.#doubts = 0
    this.#options.logger.info({ path: this.#options.path, why }, 'listing again')
  }

  #failed(what: 'list' | 'watch', error: unknown, pause: Backoff): number {
    const { path, logger } = this.#options
    const asked = error instanceof KubernetesError ? Math.min(error.retryAfterSeconds ?? 0, 60) * 1000 : 0
    const milliseconds = Math.max(pause.next(), asked)
    this.#health.failures++
    this.#health.lastError = describeError(error)
    logger.warn({ path, error: describeError(error), retryIn: Math.round(milliseconds) }, `${what} failed`)
    return milliseconds
  }

  #timeoutSeconds(): number {
    const [least, most] = this.#times.watchTimeout
    return Math.max(1, Math.round((least + this.#random() * (most - least)) / 1000))
  }

  #accept(kind: string): string {
    return this.#options.metadataOnly ? `application/json;as=${kind};${META}` : 'application/json'
  }
}
