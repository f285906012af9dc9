const HOUR_MS = 3_600_000
/** Changes of the request that are followed at once within an hour. */
export const MOST_RESTARTS_AN_HOUR = 5

/**
 * How often a change may make an attempt start over: five times an hour, so that a controller which edits a
 * Certificate in a loop does not burn orders.
 *
 * @param restarts RFC 3339 times of the restarts so far
 * @returns when the next one may come, or undefined for now
 */
export function followable(restarts: string[], now: number): number | undefined {
  const recent = restarts.map((at) => Date.parse(at)).filter((at) => at > now - HOUR_MS)
  const oldest = recent.at(-MOST_RESTARTS_AN_HOUR)
  return recent.length < MOST_RESTARTS_AN_HOUR || oldest === undefined ? undefined : oldest + HOUR_MS
}

/** The restarts with one more at `now`; only those are kept that the next decision looks at. */
export function addRestart(restarts: string[], now: number): string[] {
  return [...restarts, new Date(now).toISOString()].slice(-MOST_RESTARTS_AN_HOUR)
}
