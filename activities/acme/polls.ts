import { setTimeout as delay } from 'node:timers/promises'
import type { Settings } from '../deps.ts'

/** Looks that are allowed soon after our own POST, before Retry-After counts, in milliseconds. */
const EARLY_MS = [100, 200]
const UNNAMED_MS = 1_000

/**
 * The rhythm of polling a CA in one window: after a POST of ours two early looks (unless the operator wants none),
 * because most answers are there at once, then as the CA asks for with Retry-After (RFC 8555 7.5.1).
 */
export class Polls {
  readonly #until: number
  readonly #earlyLooks: boolean
  #early: number[] | undefined

  /** `until` in milliseconds since the epoch. */
  constructor(until: number, { earlyLooks }: Pick<Settings, 'earlyLooks'>) {
    this.#until = until
    this.#earlyLooks = earlyLooks
  }

  /** Something was just told to the CA. Once per window: one that is told again and again is not asked in a hurry. */
  posted(): void {
    this.#early ??= this.#earlyLooks ? [...EARLY_MS] : []
  }

  /** Waits for the next look. Where that comes after the window, returns at once when it is due, RFC 3339. */
  async pause(
    answer: { retryAfterMs?: number } | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const wanted = this.#early?.shift() ?? answer?.retryAfterMs ?? UNNAMED_MS
    const due = Date.now() + wanted
    if (due > this.#until) return new Date(due).toISOString()
    await delay(wanted, undefined, { signal })
    return undefined
  }
}
