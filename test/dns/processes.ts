import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** Whether a process still runs. One that has ended and waits for its parent to notice does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const stat = `/proc/${pid}/stat`
  if (!existsSync('/proc/self/stat')) return true
  if (!existsSync(stat)) return false
  return !/^\d+ \(.*\) [ZX] /s.test(readFileSync(stat, 'utf8'))
}

/** Waits for a fact, looking every 5 ms; fails after ten seconds. */
export async function until(what: string, fact: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!fact()) {
    if (performance.now() > deadline) throw new Error(`it did not come about: ${what}`)
    await delay(5)
  }
}

/** The process ids that the hanging plugin wrote: its own and its child's. */
export function readPids(path: string): number[] {
  return JSON.parse(readFileSync(path, 'utf8')) as number[]
}
