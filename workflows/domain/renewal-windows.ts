import { parseCron, type CronSchedule } from './cron.ts'
import type { DesiredCertificate } from './desired.ts'
import { parseGoDuration } from './go-duration.ts'
import { formatGoTime } from './time-text.ts'
import { wallClock, type WallClock } from './wall-clock.ts'

export type RenewalWindow = NonNullable<NonNullable<DesiredCertificate['renewal']>['windows']>[number]

/** All in milliseconds since 1970. */
export interface RenewalSpan {
  notBefore: number
  notAfter: number
  /** When renewal were due without windows. */
  wanted: number
}

interface OpenWindow {
  schedule: CronSchedule
  clock: WallClock
  /** How long a window stays open, milliseconds. */
  length: number
}

const day = 86_400_000

/**
 * The first time at or after the wanted one at which some window is open and the certificate has not expired. The
 * error says why there is none; renewal is then due at the wanted time, for an expired certificate helps nobody.
 */
export function timeInWindow(
  windows: readonly RenewalWindow[],
  { notBefore, notAfter, wanted }: RenewalSpan,
): { time: number } | { error: string } {
  let best: number | undefined
  for (const window of windows) {
    const open = parseWindow(window)
    if ('error' in open) return { error: `${open.field} ${open.error}` }
    const time = firstTime(open, wanted, notAfter)
    if (time !== undefined && (best === undefined || time < best)) best = time
  }
  if (best !== undefined) return { time: best }
  const [from, to, at] = [notBefore, notAfter, wanted].map(formatGoTime)
  return { error: `cannot find a time with the given windows between ${from} and ${to} for: ${at}` }
}

/** Reads one window; the error is a phrase that completes the name of the field. */
export function parseWindow(
  window: RenewalWindow,
): OpenWindow | { field: keyof RenewalWindow; error: string } {
  const length = parseGoDuration(window.windowDuration)
  if ('error' in length) return { field: 'windowDuration', error: length.error }
  if (length.ms <= 0) return { field: 'windowDuration', error: 'must be greater than 0' }
  const clock = wallClock(window.timezone || 'UTC')
  if (clock === undefined) {
    return { field: 'timezone', error: `"${window.timezone}" is no IANA time zone like "Europe/Berlin"` }
  }
  const schedule = parseCron(window.cron)
  if ('error' in schedule) return { field: 'cron', error: schedule.error }
  return { schedule, clock, length: length.ms }
}

function firstTime(window: OpenWindow, wanted: number, notAfter: number): number | undefined {
  // A window's very end still belongs to it, as upstream has it.
  if (startBetween(window, wanted - window.length, wanted, 'last') !== undefined) return wanted
  const next = startBetween(window, wanted, notAfter, 'first')
  return next !== undefined && next < notAfter ? next : undefined
}

/** The first or last start of the window in a span of instants, both ends counted in. */
function startBetween(
  { schedule, clock }: OpenWindow,
  from: number,
  to: number,
  which: 'first' | 'last',
): number | undefined {
  const [firstDay, lastDay] = [dayOf(clock.at(from)) - day, dayOf(clock.at(to)) + day]
  const step = which === 'first' ? day : -day
  const begin = which === 'first' ? firstDay : lastDay
  for (let date = begin; date >= firstDay && date <= lastDay; date += step) {
    if (!matchesDate(schedule, date)) continue
    const starts = startsOn(schedule, clock, date).filter((start) => start >= from && start <= to)
    if (starts.length > 0) return which === 'first' ? Math.min(...starts) : Math.max(...starts)
  }
  return undefined
}

function startsOn(schedule: CronSchedule, clock: WallClock, date: number): number[] {
  return schedule.hours.flatMap((hour) =>
    schedule.minutes.flatMap((minute) => clock.instants(date + (hour * 60 + minute) * 60_000)),
  )
}

function matchesDate(schedule: CronSchedule, date: number): boolean {
  const figures = new Date(date)
  if (!schedule.months.has(figures.getUTCMonth() + 1)) return false
  const dayOfMonth = schedule.daysOfMonth.has(figures.getUTCDate())
  const dayOfWeek = schedule.daysOfWeek.has(figures.getUTCDay())
  return schedule.bothDayFields ? dayOfMonth && dayOfWeek : dayOfMonth || dayOfWeek
}

function dayOf(wall: number): number {
  return Math.floor(wall / day) * day
}
