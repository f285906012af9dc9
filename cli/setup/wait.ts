import { setTimeout as delay } from 'node:timers/promises'
import { SetupError } from './error.ts'

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 1_000

/** Until when setup waits for servers, and what ends it sooner. */
export interface Patience {
  /** `performance.now()` after which waiting ends. */
  deadline: number
  signal: AbortSignal
}

export function patience(milliseconds: number, signal?: AbortSignal): Patience {
  return { deadline: performance.now() + milliseconds, signal: signal ?? new AbortController().signal }
}

/** What a look found: the end of waiting, or why to look again. */
export type Finding<T> = { done: T } | { pending: string }

/**
 * Looks until the thing is there.
 *
 * @throws SetupError that names `what` and the last finding when patience ends; whatever `look` throws, at once
 */
export async function until<T>(
  what: string,
  remedy: string,
  look: () => Promise<Finding<T>>,
  { deadline, signal }: Patience,
): Promise<T> {
  let pause = FIRST_PAUSE_MS
  for (;;) {
    signal.throwIfAborted()
    const finding = await look()
    if ('done' in finding) return finding.done
    if (performance.now() + pause > deadline) {
      throw new SetupError(`waited in vain until ${what}: ${remedy}`, { detail: finding.pending })
    }
    await delay(pause, undefined, { signal })
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
  }
}
