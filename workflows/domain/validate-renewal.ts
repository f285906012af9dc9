import type { DesiredCertificate } from './desired.ts'
import { formatGoDuration, parseGoDuration } from './go-duration.ts'
import { invalid, type Problem } from './problem.ts'
import { parseWindow } from './renewal-windows.ts'

const hour = 3_600_000

/** The lifetime that is asked for where spec.duration is absent: 90 days. */
export const defaultDurationMs = 2160 * hour

const shortestDuration = hour
const shortestRenewBefore = hour / 12

export function renewalProblems(desired: DesiredCertificate): Problem[] {
  return [...durationProblems(desired), ...policyProblems(desired)]
}

function durationProblems(desired: DesiredCertificate): Problem[] {
  // Upstream looks at the percentage only beside one of these: a percentage alone falls back to a third.
  if (desired.duration === undefined && desired.renewBefore === undefined) return []
  const found: Problem[] = []
  const duration = read('spec.duration', desired.duration, found) ?? defaultDurationMs
  const renewBefore = read('spec.renewBefore', desired.renewBefore, found)
  const percentage = desired.renewBeforePercentage
  if (duration < shortestDuration) {
    found.push(invalid('spec.duration', `is ${formatGoDuration(duration)}: it must be at least 1h`))
  }
  if (desired.renewBefore !== undefined && percentage !== undefined) {
    found.push(
      invalid('spec.renewBefore', 'cannot be set beside spec.renewBeforePercentage: remove one of them'),
    )
  }
  if (renewBefore !== undefined) found.push(...renewBeforeProblems(renewBefore, duration))
  if (percentage !== undefined) found.push(...percentageProblems(percentage, duration))
  return found
}

function read(field: string, text: string | undefined, found: Problem[]): number | undefined {
  if (text === undefined) return undefined
  const parsed = parseGoDuration(text)
  if ('ms' in parsed) return parsed.ms
  found.push(invalid(field, parsed.error))
  return undefined
}

function renewBeforeProblems(renewBefore: number, duration: number): Problem[] {
  const is = `is ${formatGoDuration(renewBefore)}: it must be`
  if (renewBefore < shortestRenewBefore) return [invalid('spec.renewBefore', `${is} at least 5m`)]
  if (renewBefore < duration) return []
  return [invalid('spec.renewBefore', `${is} less than spec.duration (${formatGoDuration(duration)})`)]
}

/**
 * Upstream's webhook measures the time until renewal here, not the time that is left then. Kept: to be stricter would
 * stop certificates that it let pass.
 */
function percentageProblems(percentage: number, duration: number): Problem[] {
  const field = 'spec.renewBeforePercentage'
  const span = (duration * (100 - percentage)) / 100
  if (span >= duration) return [invalid(field, `is ${percentage}: it must be at least 1`)]
  if (span >= shortestRenewBefore) return []
  const phrase = `is ${percentage}: renewal would come less than 5m after issuing; lower it or raise spec.duration`
  return [invalid(field, phrase)]
}

function policyProblems({ renewal }: DesiredCertificate): Problem[] {
  if (renewal === undefined) return []
  const policy: string = renewal.policy
  const windows = renewal.windows ?? []
  if (policy === 'Disabled') {
    if (windows.length === 0) return []
    const phrase =
      'cannot be set while spec.renewal.policy is Disabled: remove them or set the policy to RenewBefore'
    return [invalid('spec.renewal.windows', phrase)]
  }
  const found: Problem[] = []
  if (policy !== 'RenewBefore') {
    found.push(invalid('spec.renewal.policy', `is ${JSON.stringify(policy)}: use RenewBefore or Disabled`))
  }
  for (const [index, window] of windows.entries()) {
    const parsed = parseWindow(window)
    if ('error' in parsed) found.push(invalid(`spec.renewal.windows[${index}].${parsed.field}`, parsed.error))
  }
  return found
}
