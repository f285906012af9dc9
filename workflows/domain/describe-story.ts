import type { CertificateSummary } from '../activities.ts'
import { headlineOf } from './describe-stall.ts'
import { describeFailure, type Failure } from './failures.ts'
import type { Phase } from './phases.ts'

interface Told {
  title: string
  phase: Phase
  finding: string
  failure?: Failure
  issuer: string
  names: string[]
  moreNames: number
  revision: number
  failures: number
  certificate?: CertificateSummary
  renewalTime?: string
}

/** The current details of a run, in Markdown lists: the UI shows tables without borders. */
export function describeStory(told: Told): string {
  const lines = [headline(`**${told.title}** is **${told.phase}**`, told.finding, told.failure)]
  lines.push('')
  if (told.issuer !== '') lines.push(`- **Issuer:** ${escape(told.issuer)}`)
  if (told.names.length > 0)
    lines.push(`- **Names:** ${told.names.map(escape).join(', ')}${others(told.moreNames)}`)
  if (told.revision > 0) lines.push(`- **Revision:** ${told.revision}`)
  if (told.failures > 0) lines.push(`- **Failed attempts since the last success:** ${told.failures}`)
  if (told.certificate !== undefined) {
    lines.push(`- **Serial:** \`${told.certificate.serial}\``)
    lines.push(`- **Valid:** ${told.certificate.notBefore} to ${told.certificate.notAfter}`)
  }
  if (told.renewalTime !== undefined) lines.push(`- **Renewal:** ${told.renewalTime}`)
  return lines.join('\n')
}

/** What is so, and below it who has to act; a finding that the failure repeats is said once. */
export function headline(what: string, finding: string, failure: Failure | undefined): string {
  if (failure === undefined) return `${what}: ${escape(finding)}`
  const told = escape(describeFailure(failure))
  const first = [failure.message, describeFailure(failure)].includes(finding)
    ? `${what}.`
    : `${what}: ${escape(finding)}`
  return `${first}\n\n**${headlineOf(failure)}:** ${told} (${failure.code})`
}

function others(count: number): string {
  return count > 0 ? ` and ${count} more` : ''
}

/** Names may hold a star, findings may hold anything: none of it is markup. */
function escape(text: string): string {
  return text.replace(/[\\`*_{}[\]<>#|]/g, '\\$&')
}
