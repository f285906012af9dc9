/** The most that a Retry-After is believed, in milliseconds: the longest rate limit in the field counts in a week. */
export const MAX_RETRY_AFTER_MS = 7 * 24 * 3_600_000

export type Headers = Readonly<Record<string, string | readonly string[]>>

/** The first value of a header; names are matched without regard to case. */
export function header(headers: Headers, name: string): string | undefined {
  return headerValues(headers, name)[0]
}

export function headerValues(headers: Headers, name: string): readonly string[] {
  const values: string[] = []
  for (const [key, value] of Object.entries(headers)) {
    if (key.toLowerCase() !== name) continue
    if (typeof value === 'string') values.push(value)
    else values.push(...value)
  }
  return values
}

/** The media type without parameters, in lower case; '' if the answer names none. */
export function mediaType(headers: Headers): string {
  return (header(headers, 'content-type') ?? '').split(';', 1)[0]!.trim().toLowerCase()
}

/**
 * Retry-After in milliseconds from `now`: seconds or an HTTP date (RFC 9110 10.2.3), at least 0 and at most a week.
 * Undefined if it is missing or neither of the two.
 */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const value = header(headers, 'retry-after')?.trim()
  if (value === undefined || value === '') return undefined
  // Date.parse alone takes much for a date, "3, 3" for one.
  const date = /^[A-Z][a-z]{2,8}, .* GMT$/.test(value) ? Date.parse(value) : NaN
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : date - now
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), MAX_RETRY_AFTER_MS)
}

/** The targets of the Link headers with relation `rel` (RFC 8288), as written: they may be relative. */
export function links(headers: Headers, rel: string): string[] {
  const found: string[] = []
  // A comma may also stand inside the angle brackets or a quoted parameter: match whole links instead of splitting.
  const link = /<([^<>]*)>((?:\s*;\s*[\w!#$%&'*+.^`|~-]+\s*(?:=\s*(?:"[^"]*"|[^\s",;]+))?)*)/g
  for (const value of headerValues(headers, 'link')) {
    for (const [, target, parameters] of value.matchAll(link)) {
      const relation = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s",;]+))/i.exec(parameters ?? '')
      const relations = (relation?.[1] ?? relation?.[2] ?? '').toLowerCase().split(/\s+/)
      if (target !== undefined && relations.includes(rel)) found.push(target)
    }
  }
  return found
}
