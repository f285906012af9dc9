import { setTimeout as delay } from 'node:timers/promises'

/** Waits for a fact; fails with its description after some seconds of real time. */
export async function until<T>(
  what: string,
  fact: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadline = performance.now() + 15_000
  for (;;) {
    const found = await fact()
    if (found !== undefined && found !== false) return found
    if (performance.now() > deadline) throw new Error(`it never came true that ${what}`)
    await delay(10)
  }
}
