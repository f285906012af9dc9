import { renewalTime, type RenewalTime } from './renewal-time.ts'
import { formatGoTime, formatRfc1123, timeOf } from './time-text.ts'
import { whyUnfit, type IssueInput, type Reason } from './unfit-reasons.ts'
import type { CertificateFacts } from './x509-facts.ts'

export type { IssueInput, Reason, SecretFacts } from './unfit-reasons.ts'

export interface IssueDecision extends Reason {
  /** A Warning event to write beside. */
  warning?: Reason
}

export interface Readiness extends Reason {
  status: 'True' | 'False'
  /** Of the certificate in the Secret, RFC 3339; absent where there is none that can be read. */
  notBefore?: string
  notAfter?: string
  renewalTime?: string
}

/** Why a Certificate is to be issued now, the first reason that holds; undefined: it is in order. */
export function whyIssue(input: IssueInput): IssueDecision | undefined {
  return whyUnfit(input) ?? whyRenew(input)
}

/** The Ready condition and the dates of the status. A Certificate stays ready while it is renewed. */
export function readiness(input: IssueInput): Readiness {
  const wrong = whyUnfit(input) ?? whyExpired(input)
  const certificate = readable(input.secret?.certificate)
  const renewal = certificate === undefined ? {} : renewalOf(certificate, input)
  const dates = {
    ...(certificate !== undefined && { notBefore: certificate.notBefore, notAfter: certificate.notAfter }),
    ...(renewal.time !== undefined && { renewalTime: renewal.time }),
  }
  if (renewal.windowError !== undefined) {
    const message = `Could not calculate renewal time: ${renewal.windowError}`
    return { status: 'False', reason: 'WindowError', message, ...dates }
  }
  if (wrong !== undefined) return { status: 'False', ...wrong, ...dates }
  const message = 'Certificate is up to date and has not expired'
  return { status: 'True', reason: 'Ready', message, ...dates }
}

function whyRenew(input: IssueInput): IssueDecision | undefined {
  const certificate = readable(input.secret?.certificate)
  if (certificate === undefined) return undefined
  const { time, windowError } = renewalOf(certificate, input)
  if (time === undefined || input.now < timeOf(time)) return undefined
  const due = formatGoTime(timeOf(time))
  if (windowError === undefined) {
    return { reason: 'Renewing', message: `Renewing certificate as renewal was scheduled at ${due}` }
  }
  const warning = `Renewing certificate without satisfying renewal windows due to ${windowError}`
  return {
    reason: 'Renewing',
    message: `Renewing certificate without satisfying renewal windows at: ${due}`,
    warning: { reason: 'WindowError', message: warning },
  }
}

function whyExpired({ secret, now }: IssueInput): Reason | undefined {
  const certificate = readable(secret?.certificate)
  if (certificate === undefined || now <= timeOf(certificate.notAfter)) return undefined
  const message = `Certificate expired on ${formatRfc1123(timeOf(certificate.notAfter))}`
  return { reason: 'Expired', message }
}

function renewalOf(
  { notBefore, notAfter }: CertificateFacts,
  { desired, renewalTime: suggested }: IssueInput,
): RenewalTime {
  return renewalTime({ notBefore, notAfter, desired, suggested })
}

function readable<Facts extends object>(facts: Facts | { error: string } | undefined): Facts | undefined {
  return facts === undefined || 'error' in facts ? undefined : facts
}
