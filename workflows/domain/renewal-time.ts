import type { DesiredCertificate } from './desired.ts'
import { durationMs } from './go-duration.ts'
import { timeInWindow } from './renewal-windows.ts'
import { formatTime, parseTime, timeOf, wholeSeconds } from './time-text.ts'

export interface RenewalInput {
  /** Of the issued certificate, RFC 3339: what counts is its lifetime, not spec.duration. */
  notBefore: string
  notAfter: string
  desired: Pick<DesiredCertificate, 'renewBefore' | 'renewBeforePercentage' | 'renewal'>
  /**
   * RFC 3339: a time picked inside the window that the CA suggests (RFC 9773). It replaces renewBefore; one that is
   * not after notBefore was meant for an earlier certificate and is ignored.
   */
  suggested?: string
}

export interface RenewalTime {
  /** RFC 3339, whole seconds; undefined where renewal is disabled. */
  time?: string
  /** Why no time inside the renewal windows was found; `time` then is the one without windows. */
  windowError?: string
}

/** When a certificate is renewed (cert-manager: renewBefore, else the percentage, else a third of its lifetime). */
export function renewalTime({ notBefore, notAfter, desired, suggested }: RenewalInput): RenewalTime {
  if (desired.renewal?.policy === 'Disabled') return {}
  const [start, end] = [timeOf(notBefore), timeOf(notAfter)]
  const picked = parseTime(suggested)
  const wanted = wholeSeconds(
    picked !== undefined && picked > start ? picked : end - renewBefore(end - start, desired),
  )
  const windows = desired.renewal?.windows ?? []
  if (windows.length === 0) return { time: formatTime(wanted) }
  const found = timeInWindow(windows, { notBefore: start, notAfter: end, wanted })
  if ('error' in found) return { time: formatTime(wanted), windowError: found.error }
  return { time: formatTime(found.time) }
}

/** Milliseconds before expiry; settings that do not fit the lifetime fall back to a third of it. */
function renewBefore(lifetime: number, desired: RenewalInput['desired']): number {
  const duration = durationMs(desired.renewBefore)
  if (duration !== undefined && duration > 0 && duration < lifetime) return duration
  const percentage = desired.renewBeforePercentage
  if (percentage !== undefined && percentage > 0 && percentage < 100) return (lifetime * percentage) / 100
  return lifetime / 3
}
