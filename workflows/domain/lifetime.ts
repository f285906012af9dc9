import { durationMs } from './go-duration.ts'

/** 90 days, cert-manager's default of spec.duration. */
const DEFAULT_SECONDS = 2160 * 3600

/** The lifetime to ask for, in seconds. */
export function durationSeconds(duration: string | undefined): number {
  const ms = durationMs(duration)
  return ms === undefined ? DEFAULT_SECONDS : Math.round(ms / 1000)
}
