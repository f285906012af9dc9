import { describeError, type Logger } from '../logger.ts'
import { Backoff } from './backoff.ts'

export interface WorkQueueOptions<V> {
  /** For log lines. */
  name: string
  /** Works on one key; a rejection puts the key back after a growing pause. */
  process: (key: string, value: V, signal: AbortSignal) => Promise<void>
  logger: Logger
  /** Keys worked on at the same time; default 8. */
  concurrency?: number
  /** Milliseconds; default 500 and 60,000. */
  backoffBase?: number
  backoffMax?: number
  random?: () => number
}

interface Item<V> {
  value: V
  /** `ready`: in line. `running`: being worked on. `dirty`: running and asked for again. `waiting`: until a retry. */
  state: 'ready' | 'running' | 'dirty' | 'waiting'
  backoff?: Backoff
  timer?: NodeJS.Timeout
}

/**
 * Work by key: each key is in it at most once and with its newest value, one worker per key at a time, first come
 * first served. A key that failed waits its pause even when it is added again; the retry then sees the newest value.
 */
export class WorkQueue<V = undefined> {
  readonly #options: WorkQueueOptions<V>
  readonly #concurrency: number
  readonly #items = new Map<string, Item<V>>()
  readonly #ready: string[] = []
  readonly #stop = new AbortController()
  #running = 0
  #failures = 0
  #idle: PromiseWithResolvers<void> | undefined

  constructor(options: WorkQueueOptions<V>) {
    this.#options = options
    this.#concurrency = options.concurrency ?? 8
  }

  /** Keys in line, worked on or waiting for a retry. */
  get size(): number {
    return this.#items.size
  }

  get health(): { size: number; running: number; waiting: number; failures: number } {
    let waiting = 0
    for (const item of this.#items.values()) if (item.state === 'waiting') waiting++
    return { size: this.size, running: this.#running, waiting, failures: this.#failures }
  }

  /** Ignored after `stop`. */
  add(key: string, ...[value]: undefined extends V ? [value?: V] : [value: V]): void {
    if (this.#stop.signal.aborted) return
    const item = this.#items.get(key)
    if (item) {
      item.value = value as V
      if (item.state === 'running') item.state = 'dirty'
      return
    }
    this.#items.set(key, { value: value as V, state: 'ready' })
    this.#ready.push(key)
    this.#next()
  }

  /** Lets all keys that wait for a retry go at once: what they waited for is back. */
  retryNow(): void {
    for (const [key, item] of this.#items) {
      if (item.state !== 'waiting') continue
      clearTimeout(item.timer)
      item.backoff?.reset()
      this.#enqueue(key, item)
    }
  }

  /** Resolves when the queue is empty. */
  whenIdle(): Promise<void> {
    if (this.#items.size === 0) return Promise.resolve()
    return (this.#idle ??= Promise.withResolvers<void>()).promise
  }

  /** Drops what is in line, aborts the signal of what runs, and resolves when nothing runs any more. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error(`queue ${this.#options.name} was stopped`))
    this.#ready.length = 0
    for (const [key, item] of this.#items) {
      clearTimeout(item.timer)
      if (item.state === 'ready' || item.state === 'waiting') this.#items.delete(key)
    }
    this.#settle()
    await this.whenIdle()
  }

  #next(): void {
    while (this.#running < this.#concurrency) {
      const key = this.#ready.shift()
      if (key === undefined) return
      const item = this.#items.get(key)
      if (item) void this.#work(key, item)
    }
  }

  async #work(key: string, item: Item<V>): Promise<void> {
    item.state = 'running'
    this.#running++
    try {
      await this.#options.process(key, item.value, this.#stop.signal)
      item.backoff?.reset()
      if (this.#again(item)) this.#enqueue(key, item)
      else this.#items.delete(key)
    } catch (error) {
      this.#failed(key, item, error)
    } finally {
      this.#running--
      this.#settle()
      this.#next()
    }
  }

  #failed(key: string, item: Item<V>, error: unknown): void {
    if (this.#stop.signal.aborted) {
      this.#items.delete(key)
      return
    }
    const { name, logger, backoffBase = 500, backoffMax = 60_000, random } = this.#options
    item.backoff ??= new Backoff(backoffBase, backoffMax, random)
    const pause = item.backoff.next()
    this.#failures++
    logger.warn({ queue: name, key, error: describeError(error), retryIn: Math.round(pause) }, 'work failed')
    item.state = 'waiting'
    item.timer = setTimeout(() => this.#enqueue(key, item), pause)
  }

  /** Read through a function: `add` may have changed the state while the work was awaited. */
  #again(item: Item<V>): boolean {
    return item.state === 'dirty' && !this.#stop.signal.aborted
  }

  #enqueue(key: string, item: Item<V>): void {
    item.state = 'ready'
    this.#ready.push(key)
    this.#next()
  }

  #settle(): void {
    if (this.#items.size > 0) return
    this.#idle?.resolve()
    this.#idle = undefined
  }
}
