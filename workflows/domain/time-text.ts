/** Points in time: milliseconds since 1970 to reckon with, texts to store and to show. All texts are UTC. */

const rfc3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/

/** Milliseconds since 1970 of an RFC 3339 time; undefined where the text is none. */
export function parseTime(text: string | undefined): number | undefined {
  if (text === undefined || !rfc3339.test(text)) return undefined
  const ms = Date.parse(text.toUpperCase().replace(' ', 'T'))
  return Number.isNaN(ms) ? undefined : ms
}

/** For times that certloom's own code wrote: anything else is a mistake of ours. */
export function timeOf(text: string): number {
  const ms = parseTime(text)
  if (ms === undefined) throw new RangeError(`"${text}" is not an RFC 3339 time`)
  return ms
}

export function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000
}

/** RFC 3339 in whole seconds, as Kubernetes writes times: "2026-12-01T04:11:00Z". */
export function formatTime(ms: number): string {
  return new Date(wholeSeconds(ms)).toISOString().replace('.000Z', 'Z')
}

/** As Go prints a time.Time, which cert-manager's messages contain: "2026-12-01 04:11:00 +0000 UTC". */
export function formatGoTime(ms: number): string {
  return formatTime(ms).replace('T', ' ').replace('Z', ' +0000 UTC')
}

/** As Go's time.RFC1123 prints UTC: "Tue, 01 Dec 2026 04:11:00 UTC". */
export function formatRfc1123(ms: number): string {
  return new Date(wholeSeconds(ms)).toUTCString().replace('GMT', 'UTC')
}
