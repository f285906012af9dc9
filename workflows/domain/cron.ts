/**
 * Five-field cron expressions in the dialect of cert-manager (robfig/cron): lists, ranges, steps, names of months and
 * days, `?` for `*`, and @yearly … @hourly. Sunday is 0; 7 is refused like upstream.
 */
export interface CronSchedule {
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
  readonly daysOfMonth: ReadonlySet<number>
  readonly months: ReadonlySet<number>
  readonly daysOfWeek: ReadonlySet<number>
  /** True where both day fields must match; if neither is a star, one of them suffices. */
  readonly bothDayFields: boolean
}

interface CronField {
  readonly name: string
  readonly min: number
  readonly max: number
  readonly names?: readonly string[]
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

const fields: readonly CronField[] = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, names: months },
  { name: 'day of week', min: 0, max: 6, names: weekdays },
]

const descriptors: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

/** The error is a phrase that completes "spec.renewal.windows[0].cron …". */
export function parseCron(text: string): CronSchedule | { error: string } {
  const trimmed = text.trim()
  if (trimmed.startsWith('@') && !Object.hasOwn(descriptors, trimmed)) {
    return {
      error: `has the unknown name "${trimmed}": use five fields or ${Object.keys(descriptors).join(', ')}`,
    }
  }
  const parts = (descriptors[trimmed] ?? trimmed).split(/\s+/)
  if (parts.length !== 5 || trimmed === '') {
    const found = trimmed === '' ? 0 : parts.length
    return { error: `has ${found} fields instead of five: minute, hour, day of month, month, day of week` }
  }
  const parsed: CronValues[] = []
  for (const [index, field] of fields.entries()) {
    const values = parseField(parts[index] ?? '', field)
    if ('error' in values) return values
    parsed.push(values)
  }
  const [minute, hour, dayOfMonth, month, dayOfWeek] = parsed as [
    CronValues,
    CronValues,
    CronValues,
    CronValues,
    CronValues,
  ]
  return {
    minutes: [...minute.values].sort((a, b) => a - b),
    hours: [...hour.values].sort((a, b) => a - b),
    daysOfMonth: dayOfMonth.values,
    months: month.values,
    daysOfWeek: dayOfWeek.values,
    bothDayFields: dayOfMonth.star || dayOfWeek.star,
  }
}

interface CronValues {
  values: Set<number>
  star: boolean
}

function parseField(text: string, field: CronField): CronValues | { error: string } {
  const result: CronValues = { values: new Set(), star: false }
  for (const part of text.split(',')) {
    const range = parseRange(part, field)
    if ('error' in range) return range
    for (let value = range.start; value <= range.end; value += range.step) result.values.add(value)
    if (range.star) result.star = true
  }
  return result
}

interface CronRange {
  start: number
  end: number
  step: number
  star: boolean
}

function parseRange(text: string, field: CronField): CronRange | { error: string } {
  const wrong = {
    error: `has "${text}" as ${field.name}: use ${field.min} to ${field.max}, like "*", "1,2", "1-5" or "*/5"`,
  }
  const match = /^(?:(\*|\?)|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(text)
  if (match === null) return wrong
  const [, star, low, high, stepText] = match
  const step = stepText === undefined ? 1 : Number(stepText)
  if (step === 0) return wrong
  // A step over a star counts days like a list does, so both day fields are no longer joined by "and".
  if (star !== undefined) return { start: field.min, end: field.max, step, star: step === 1 }
  const start = valueOf(low, field)
  const end = high !== undefined ? valueOf(high, field) : stepText === undefined ? start : field.max
  if (start === undefined || end === undefined || start > end) return wrong
  return { start, end, step, star: false }
}

function valueOf(text: string | undefined, field: CronField): number | undefined {
  if (text === undefined) return undefined
  const named = field.names?.indexOf(text.toLowerCase()) ?? -1
  if (named >= 0) return named + field.min
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  return value >= field.min && value <= field.max ? value : undefined
}
