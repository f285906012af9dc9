type Scalar = string | number | boolean | null
/** Stands for what differs: the number of its column, then what comes before and after it in each of the list. */
type Varying = [column: number] | [column: number, before: string, after: string]
type Pattern = Scalar | Varying | { [key: string]: Pattern }

/**
 * A list of things that are much alike, for histories: what all have in common is there once, and each has a row with
 * what is its own. Twenty-five challenges of an order so take 4 KB instead of 26.
 */
export interface Packed<T> {
  /** One for each shape: things with the same fields share one. */
  patterns: Pattern[]
  /** For each thing in order: the number of its pattern, then the columns of that pattern. */
  rows: unknown[][]
  /** For the type checker alone: never there. */
  like?: T
}

/** @param items plain data, as JSON knows it; a field that is undefined is the same as none */
export function pack<T extends object>(items: readonly T[]): Packed<T> {
  const plain = items.map((item) => JSON.parse(JSON.stringify(item)) as object)
  const shapes = Map.groupBy(plain, shapeOf)
  const rows = new Map<object, unknown[]>()
  const patterns = [...shapes.values()].map((alike, number) => {
    const columns: unknown[][] = []
    const pattern = patternOf(alike, columns)
    alike.forEach((item, at) => rows.set(item, [number, ...columns.map((column) => column[at])]))
    return pattern
  })
  return { patterns, rows: plain.flatMap((item) => [rows.get(item) ?? []]) }
}

export function unpack<T>({ patterns, rows }: Packed<T>): T[] {
  return rows.map(([number, ...columns]) => filled(patterns[Number(number)] ?? null, columns) as T)
}

function filled(pattern: Pattern, columns: unknown[]): unknown {
  if (Array.isArray(pattern)) {
    const [column, before = '', after = ''] = pattern
    const own = columns[column]
    return typeof own === 'string' ? `${before}${own}${after}` : own
  }
  if (!isObject(pattern)) return pattern
  return Object.fromEntries(Object.entries(pattern).map(([key, part]) => [key, filled(part, columns)]))
}

/** The pattern of values that have one shape; what they do not share is added to `columns`. */
function patternOf(values: unknown[], columns: unknown[][]): Pattern {
  const [first] = values
  if (isObject(first)) {
    const part = (key: string) => values.map((value) => (value as Record<string, unknown>)[key])
    return Object.fromEntries(Object.keys(first).map((key) => [key, patternOf(part(key), columns)]))
  }
  if (isScalar(first) && values.every((value) => value === first)) return first
  if (!values.every((value) => typeof value === 'string')) return [numberOf(values, columns)]
  const before = commonStart(values)
  const rest = values.map((value) => value.slice(before.length))
  const after = reversed(commonStart(rest.map(reversed)))
  const own = rest.map((value) => value.slice(0, value.length - after.length))
  return [numberOf(own, columns), before, after]
}

/** Fields that say the same, such as a name and the name of its record, share a column. */
function numberOf(values: unknown[], columns: unknown[][]): number {
  const text = JSON.stringify(values)
  const found = columns.findIndex((column) => JSON.stringify(column) === text)
  return found >= 0 ? found : columns.push(values) - 1
}

function shapeOf(value: unknown): string {
  if (!isObject(value)) return ''
  const fields = Object.entries(value).map(([key, part]) => [key, shapeOf(part)])
  return JSON.stringify(fields.sort(([a = ''], [b = '']) => (a < b ? -1 : 1)))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isScalar(value: unknown): value is Scalar {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}

function commonStart(texts: readonly string[]): string {
  const [first = '', ...others] = texts
  let length = first.length
  for (const text of others) {
    length = Math.min(length, text.length)
    while (!text.startsWith(first.slice(0, length))) length -= 1
  }
  return first.slice(0, length)
}

/** By UTF-16 code units: the halves of a pair are put together again with the rest. */
function reversed(text: string): string {
  return text.split('').reverse().join('')
}
