const STEPS_MS = [5_000, 10_000]
const STEADY_MS = 20_000
/** Ten minutes at twenty seconds: who mends something usually does it within this time and then waits for us. */
const STEADY_LOOKS = 30
const LONGEST_MS = 300_000

/**
 * How long to wait before the next look at something that blocks. Most mending rings the doorbell and ends the wait
 * at once; the timer is for what nobody can ring for: a plugin file, a CA that is back.
 *
 * @param looks how many looks have found it blocked so far, from 1
 */
export function blockedDelay(looks: number): number {
  const early = STEPS_MS[looks - 1]
  if (early !== undefined) return early
  const over = looks - STEPS_MS.length - STEADY_LOOKS
  return over <= 0 ? STEADY_MS : Math.min(STEADY_MS * 2 ** over, LONGEST_MS)
}
