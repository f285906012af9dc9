/**
 * Durations as Kubernetes writes them: the text form of Go's time.Duration ("2160h", "1h30m", "1.5h", "300ms").
 * certloom counts in milliseconds; fractions keep what is finer.
 */

const largeUnits = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
])

/** How many make a millisecond; dividing by a whole number is exact where multiplying by its inverse is not. */
const smallUnits = new Map([
  ['ns', 1_000_000],
  ['us', 1_000],
  ['\u00b5s', 1_000],
  ['\u03bcs', 1_000],
])

/** Go counts nanoseconds in an int64: about 292 years. */
const longestMs = 9_223_372_036_854.775

const remedy = 'write numbers with units, like "2160h", "1h30m" or "300ms"'

/** Reads what time.ParseDuration reads. The error is a phrase that completes "spec.duration …". */
export function parseGoDuration(text: string): { ms: number } | { error: string } {
  const sign = text.startsWith('-') ? -1 : 1
  const body = text.replace(/^[+-]/, '')
  if (body === '0') return { ms: 0 }
  if (body === '') return { error: `is empty: ${remedy}` }

  let total = 0
  let rest = body
  while (rest !== '') {
    const number = /^(?:\d+\.?\d*|\.\d+)/.exec(rest)?.[0]
    if (number === undefined) return { error: `has no number before "${rest}": ${remedy}` }
    rest = rest.slice(number.length)
    const unit = /^[^.\d]*/.exec(rest)?.[0] ?? ''
    if (unit === '') return { error: `has no unit after "${number}": ${remedy}` }
    const ms = inMilliseconds(Number(number), unit)
    if (ms === undefined) return { error: `has the unknown unit "${unit}": use h, m, s, ms, us or ns` }
    rest = rest.slice(unit.length)
    total += ms
  }
  if (total > longestMs) return { error: 'is longer than 2562047h, the longest duration there is' }
  return { ms: sign * total || 0 }
}

function inMilliseconds(number: number, unit: string): number | undefined {
  const [large, small] = [largeUnits.get(unit), smallUnits.get(unit)]
  if (large !== undefined) return number * large
  return small === undefined ? undefined : number / small
}

/** Milliseconds, or undefined where the text is absent or not a duration. */
export function durationMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const parsed = parseGoDuration(text)
  return 'ms' in parsed ? parsed.ms : undefined
}

/** Writes milliseconds like Go's Duration.String: "2160h0m0s", "1m0.5s", "300ms", "0s". */
export function formatGoDuration(ms: number): string {
  const whole = Math.trunc(ms)
  const nanoseconds = BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6))
  if (nanoseconds === 0n) return '0s'
  const sign = nanoseconds < 0n ? '-' : ''
  return sign + formatPositive(nanoseconds < 0n ? -nanoseconds : nanoseconds)
}

function formatPositive(nanoseconds: bigint): string {
  if (nanoseconds < 1_000n) return `${nanoseconds.toString()}ns`
  if (nanoseconds < 1_000_000n) return `${decimal(nanoseconds, 3)}µs`
  if (nanoseconds < 1_000_000_000n) return `${decimal(nanoseconds, 6)}ms`
  const minutes = nanoseconds / 60_000_000_000n
  const seconds = `${decimal(nanoseconds % 60_000_000_000n, 9)}s`
  if (minutes === 0n) return seconds
  if (minutes < 60n) return `${minutes.toString()}m${seconds}`
  return `${(minutes / 60n).toString()}h${(minutes % 60n).toString()}m${seconds}`
}

function decimal(value: bigint, places: number): string {
  const digits = value.toString().padStart(places + 1, '0')
  const fraction = digits.slice(-places).replace(/0+$/, '')
  return digits.slice(0, -places) + (fraction === '' ? '' : `.${fraction}`)
}
