/**
 * The wall clock of an IANA time zone. A wall time is written as the milliseconds since 1970 that the same figures
 * would be in UTC, so that days and hours are plain arithmetic. The rules of the zones are those of the runtime.
 */
export interface WallClock {
  /** The wall time at an instant. */
  at(instant: number): number
  /** Every instant at which the clock shows this wall time: none in a gap, two where the clock is set back. */
  instants(wall: number): number[]
}

const day = 86_400_000

/** Undefined where the runtime does not know the zone. */
export function wallClock(timeZone: string): WallClock | undefined {
  const format = formatter(timeZone)
  if (format === undefined) return undefined
  const at = (instant: number) => {
    const parts: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(instant)) parts[type] = Number(value)
    const { year = 0, month = 0, day: dayOfMonth = 0, hour = 0, minute = 0, second = 0 } = parts
    return Date.UTC(year, month - 1, dayOfMonth, hour, minute, second)
  }
  // Offsets are asked for once a day and zone: a change inside the day shows in the neighbours.
  const offsets = new Map<number, number>()
  const offsetOn = (start: number) => {
    const known = offsets.get(start) ?? at(start) - start
    offsets.set(start, known)
    return known
  }
  return {
    at,
    instants(wall) {
      const start = Math.floor(wall / day) * day
      const near = new Set([start - day, start, start + day, start + 2 * day].map(offsetOn))
      const candidates = [...near].map((offset) => wall - offset)
      if (candidates.length === 1) return candidates
      return candidates.filter((instant) => at(instant) === wall).sort((a, b) => a - b)
    },
  }
}

function formatter(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch {
    return undefined
  }
}
