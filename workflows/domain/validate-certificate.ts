import type { DesiredCertificate } from './desired.ts'
import { builtInGroup } from './issuer-reference.ts'
import { invalid, type Problem } from './problem.ts'
import { isCidr } from './ip-address.ts'
import { keyProblems } from './validate-key.ts'
import { nameProblems } from './validate-names.ts'
import { renewalProblems } from './validate-renewal.ts'
import { secretProblems } from './validate-secrets.ts'

/**
 * What is wrong with a Certificate, in the order of its fields; empty if nothing is. The same rules as cert-manager's
 * admission webhook, for objects that were stored without it, and those that neither schema nor CEL can express.
 */
export function problems(desired: DesiredCertificate): Problem[] {
  const secrets = secretProblems(desired)
  // Other messages quote what they find.
  if (secrets.length > 0) return secrets
  return [
    ...targetProblems(desired),
    ...issuerProblems(desired),
    ...nameProblems(desired),
    ...keyProblems(desired),
    ...renewalProblems(desired),
    ...usageProblems(desired),
    ...constraintProblems(desired),
  ]
}

function targetProblems({ secretName, revisionHistoryLimit }: DesiredCertificate): Problem[] {
  const found: Problem[] = []
  if (!isDnsSubdomain(secretName)) {
    const phrase = `is ${JSON.stringify(secretName)}: name a Secret in lower-case letters, digits, "-" and "."`
    found.push(
      invalid(
        'spec.secretName',
        `${phrase}, at most 253 characters, beginning and ending with a letter or digit`,
      ),
    )
  }
  if (revisionHistoryLimit !== undefined && revisionHistoryLimit < 1) {
    found.push(invalid('spec.revisionHistoryLimit', `is ${revisionHistoryLimit}: it must be 1 or more`))
  }
  return found
}

/** RFC 1123 as Kubernetes reads it for names of objects. */
function isDnsSubdomain(text: string): boolean {
  const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
  return text.length <= 253 && new RegExp(`^${label}(\\.${label})*$`).test(text)
}

function issuerProblems({ issuerRef }: DesiredCertificate): Problem[] {
  const found: Problem[] = []
  if (issuerRef.name === '') {
    found.push(invalid('spec.issuerRef.name', 'is empty: name the Issuer or ClusterIssuer that signs'))
  }
  const group = issuerRef.group ?? ''
  const builtIn = group === '' || group === builtInGroup
  if (builtIn && !['', 'Issuer', 'ClusterIssuer'].includes(issuerRef.kind ?? '')) {
    // An external issuer whose group was forgotten is the usual mistake.
    const hint = group === '' ? ', or set spec.issuerRef.group if it is an external issuer' : ''
    const message = `spec.issuerRef.kind is ${JSON.stringify(issuerRef.kind)}: use Issuer or ClusterIssuer${hint}`
    found.push({ code: 'UnknownIssuerKind', field: 'spec.issuerRef.kind', message })
  }
  return found
}

const usages: ReadonlySet<string> = new Set([
  'signing',
  'digital signature',
  'content commitment',
  'key encipherment',
  'key agreement',
  'data encipherment',
  'cert sign',
  'crl sign',
  'encipher only',
  'decipher only',
  'any',
  'server auth',
  'client auth',
  'code signing',
  'email protection',
  's/mime',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'timestamping',
  'ocsp signing',
  'microsoft sgc',
  'netscape sgc',
])

function usageProblems(desired: DesiredCertificate): Problem[] {
  return (desired.usages ?? []).flatMap((usage, index) =>
    usages.has(usage)
      ? []
      : [
          invalid(
            `spec.usages[${index}]`,
            `is ${JSON.stringify(usage)}: use one of ${[...usages].join(', ')}`,
          ),
        ],
  )
}

function constraintProblems({ nameConstraints, isCA }: DesiredCertificate): Problem[] {
  if (nameConstraints === undefined) return []
  const found: Problem[] = []
  const field = 'spec.nameConstraints'
  if (!isCA) found.push(invalid(field, 'needs a CA certificate: set spec.isCA to true or remove it'))
  const { permitted, excluded } = nameConstraints
  if (permitted === undefined && excluded === undefined) {
    found.push(invalid(field, 'is empty: set permitted or excluded, or remove it'))
  }
  for (const [list, item] of [
    ['permitted', permitted],
    ['excluded', excluded],
  ] as const) {
    for (const [index, range] of (item?.ipRanges ?? []).entries()) {
      if (isCidr(range)) continue
      const phrase = `is ${JSON.stringify(range)}: write a network in CIDR form, like "10.0.0.0/8"`
      found.push(invalid(`${field}.${list}.ipRanges[${index}]`, phrase))
    }
  }
  return found
}
