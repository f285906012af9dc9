import type { DesiredCertificate } from '../../../workflows/domain/desired.ts'
import { generalName, ia5Name, named, type AlternativeNames } from './alternative-names.ts'
import { contextTag, encode, expect, readElements, readOnly, tag } from './der.ts'
import { cidrBytes, ipBytes } from './ip.ts'
import { X509Error } from './x509-error.ts'

type Subtrees = NonNullable<NonNullable<DesiredCertificate['nameConstraints']>['permitted']>

interface Constraint {
  choice: number
  base: Buffer
}

/** The two halves of a NameConstraints extension (RFC 5280, 4.2.1.10). */
export interface NameConstraints {
  permitted: Constraint[]
  excluded: Constraint[]
}

/** Value of the extension, or undefined where nothing is constrained. @throws X509Error that names the field. */
export function encodeNameConstraints(wanted: {
  permitted?: Subtrees
  excluded?: Subtrees
}): Buffer | undefined {
  const halves = [
    encodeSubtrees(0, wanted.permitted ?? {}, 'nameConstraints.permitted'),
    encodeSubtrees(1, wanted.excluded ?? {}, 'nameConstraints.excluded'),
  ].filter((half) => half !== undefined)
  return halves.length === 0 ? undefined : encode(tag.sequence, ...halves)
}

function encodeSubtrees(number: number, subtrees: Subtrees, field: string): Buffer | undefined {
  const range = (text: string, i: number) =>
    encode(
      contextTag(generalName.ip, false),
      named(`${field}.ipRanges[${i}]`, () => cidrBytes(text)),
    )
  const text = (choice: number, name: string) => (value: string, i: number) =>
    ia5Name(choice, value, `${field}.${name}[${i}]`)
  const bases = [
    ...(subtrees.dnsDomains ?? []).map(text(generalName.dns, 'dnsDomains')),
    ...(subtrees.ipRanges ?? []).map(range),
    ...(subtrees.emailAddresses ?? []).map(text(generalName.email, 'emailAddresses')),
    ...(subtrees.uriDomains ?? []).map(text(generalName.uri, 'uriDomains')),
  ]
  if (bases.length === 0) return undefined
  return encode(contextTag(number, true), ...bases.map((base) => encode(tag.sequence, base)))
}

export function decodeNameConstraints(value: Buffer): NameConstraints {
  const constraints: NameConstraints = { permitted: [], excluded: [] }
  for (const half of readElements(readOnly(value, tag.sequence, 'name constraints').content)) {
    const list = half.tag === contextTag(0, true) ? constraints.permitted : constraints.excluded
    if (list === constraints.excluded) expect(half, contextTag(1, true), 'name constraints')
    for (const subtree of readElements(half.content)) {
      const [base, ...bounds] = readElements(expect(subtree, tag.sequence, 'name constraints').content)
      // RFC 5280 allows neither minimum nor maximum.
      if (base === undefined || bounds.length > 0)
        throw new X509Error('name constraints: malformed structure')
      list.push({ choice: base.tag & 0x1f, base: base.content })
    }
  }
  if (constraints.permitted.length + constraints.excluded.length === 0) {
    throw new X509Error('name constraints: are present but empty')
  }
  return constraints
}

/** The first name that the constraints forbid, or undefined. */
export function forbiddenName(constraints: NameConstraints, names: AlternativeNames): string | undefined {
  const checks: [number, string[], (name: string, base: Buffer) => boolean][] = [
    [generalName.dns, names.dnsNames, inDnsDomain],
    [generalName.ip, names.ipAddresses, inIpRange],
    [generalName.email, names.emailAddresses, inMailDomain],
    [generalName.uri, names.uris, inUriDomain],
  ]
  for (const [choice, values, inside] of checks) {
    const permitted = constraints.permitted.filter((c) => c.choice === choice)
    const excluded = constraints.excluded.filter((c) => c.choice === choice)
    const bad = values.find(
      (name) =>
        excluded.some((c) => inside(name, c.base)) ||
        (permitted.length > 0 && !permitted.some((c) => inside(name, c.base))),
    )
    if (bad !== undefined) return bad
  }
  return undefined
}

function inDnsDomain(name: string, base: Buffer): boolean {
  const domain = base.toString('latin1').toLowerCase()
  const host = name.toLowerCase()
  return domain === '' || host === domain || host.endsWith(domain.startsWith('.') ? domain : `.${domain}`)
}

function inIpRange(name: string, base: Buffer): boolean {
  const address = ipBytes(name)
  return (
    base.length === address.length * 2 &&
    address.every((byte, i) => (byte & base[address.length + i]!) === base[i])
  )
}

function inMailDomain(name: string, base: Buffer): boolean {
  const constraint = base.toString('latin1')
  if (constraint.includes('@')) return name === constraint
  return inHost(name.slice(name.lastIndexOf('@') + 1), constraint)
}

function inUriDomain(name: string, base: Buffer): boolean {
  return URL.canParse(name) && inHost(new URL(name).hostname, base.toString('latin1'))
}

/** Mail and URI constraints mean one host, or with a leading dot every host below. */
function inHost(host: string, constraint: string): boolean {
  const [a, b] = [host.toLowerCase(), constraint.toLowerCase()]
  return b.startsWith('.') ? a.endsWith(b) : a === b
}
