import type { TestResult } from './test-event.ts'

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export const nothing: Counts = { passed: 0, failed: 0, skipped: 0 }

export function sum(all: readonly Counts[]): Counts {
  return all.reduce(
    (left, right) => ({
      passed: left.passed + right.passed,
      failed: left.failed + right.failed,
      skipped: left.skipped + right.skipped,
    }),
    nothing,
  )
}

/** The last line of a run, which other programs read. */
export function countsLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}

/** A run is good when something ran, nothing failed and nothing was left out. */
export function isGood({ passed, failed, skipped }: Counts): boolean {
  return passed > 0 && failed === 0 && skipped === 0
}

/**
 * Counts the tests of one file. Only leaves count: a suite, or a test with tests within it, is no test of its own,
 * unless it failed by itself (its own code or a hook) or was skipped with all that is in it.
 */
export class Tally {
  #counts = nothing
  /** Nesting levels that have had a result since the level above them last had one. */
  readonly #seen = new Set<number>()

  get counts(): Counts {
    return this.#counts
  }

  add({ event, nesting, suite, own }: TestResult): void {
    const parent = this.#seen.delete(nesting + 1)
    this.#seen.add(nesting)
    const { passed, failed, skipped } = this.#counts
    if (event === 'fail' && (own || !parent)) this.#counts = { passed, failed: failed + 1, skipped }
    else if (parent) return
    else if (event === 'skip') this.#counts = { passed, failed, skipped: skipped + 1 }
    else if (event === 'pass' && !suite) this.#counts = { passed: passed + 1, failed, skipped }
  }
}
