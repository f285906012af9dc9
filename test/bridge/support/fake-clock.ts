import type { Clock } from '../../../k8s-bridge/lease.ts'

/** A clock that stands still until it is told how much time passes. */
export class FakeClock implements Clock {
  #now = 1_000_000
  /** Milliseconds by which the time of day of this machine is wrong. */
  skew = 0
  readonly #timers = new Set<{ at: number; milliseconds: number; call: () => void }>()

  monotonic(): number {
    return this.#now
  }

  date(): Date {
    return new Date(Date.UTC(2026, 0, 1) + this.#now + this.skew)
  }

  after(milliseconds: number, call: () => void): () => void {
    const timer = { at: this.#now + milliseconds, milliseconds, call }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** True while a timer of that length runs: whoever set it rests. */
  isWaiting(milliseconds: number): boolean {
    return [...this.#timers].some((timer) => timer.milliseconds === milliseconds)
  }

  /** Timers that fall into the time that passes are called at their time, in order. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds
    for (;;) {
      const next = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
      if (!next) break
      this.#timers.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.call()
    }
    this.#now = end
  }

  /** Time passes and no timer fires, as in a process that is blocked. */
  block(milliseconds: number): void {
    this.#now += milliseconds
  }
}
