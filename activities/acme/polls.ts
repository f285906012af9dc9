import { setTimeout as delay } from 'node:timers/promises'
import type { Settings } from '../deps.ts'

/** Looks that are allowed soon after our own POST, before Retry-After counts, in milliseconds. */
const EARLY_MS = [100, 200]
const UNNAMED_MS = 1_000

/**
 * The rhythm of polling a CA: two early looks (unless the operator wants none), because most answers are there at once,
 * then as the CA asks for with Retry-After (RFC 8555 7.5.1).
 */
export class Polls {
  readonly #until: number
  readonly #early: readonly number[]
  #looks = 0

  constructor(until: number, { earlyLooks }: Pick<Settings, 'earlyLooks'>) {
    this.#until = until
    this.#early = earlyLooks ? EARLY_MS : []
  }

  /** False where the window is over before the next look is due. */
  async pause(answer: { retryAfterMs?: number } | undefined, signal: AbortSignal): Promise<boolean> {
    const wanted = this.#early[this.#looks] ?? answer?.retryAfterMs ?? UNNAMED_MS
    this.#looks += 1
    if (Date.now() + wanted > this.#until) return false
    await delay(wanted, undefined, { signal })
    return true
  }
}
