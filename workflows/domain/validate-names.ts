import type { DesiredCertificate } from './desired.ts'
import { canonicalIp } from './ip-address.ts'
import { commonNameOf, isObjectIdentifier, parseLiteralSubject } from './literal-subject.ts'
import { invalid, type Problem } from './problem.ts'

/** X.520 ub-common-name. */
const longestCommonName = 64

export function nameProblems(desired: DesiredCertificate): Problem[] {
  const subject = literalSubject(desired)
  return [
    ...subject.found,
    ...anyName(desired, subject.commonName),
    ...commonNameLength(subject),
    ...each(desired.dnsNames, 'spec.dnsNames', dnsNameProblem),
    ...each(desired.ipAddresses, 'spec.ipAddresses', ipProblem),
    ...each(desired.uris, 'spec.uris', uriProblem),
    ...each(desired.emailAddresses, 'spec.emailAddresses', emailProblem),
    ...otherNameProblems(desired),
  ]
}

interface SubjectCheck {
  commonName: string
  field: string
  found: Problem[]
}

function literalSubject(desired: DesiredCertificate): SubjectCheck {
  const { literalSubject: text, commonName = '', subject = {} } = desired
  if (!text) return { commonName, field: 'spec.commonName', found: [] }
  const field = 'spec.literalSubject'
  const found: Problem[] = []
  const remedy =
    'cannot be set beside spec.literalSubject: put it into the literal subject or remove one of them'
  if (commonName !== '') found.push(invalid('spec.commonName', remedy))
  // The API allows an empty object here.
  if (Object.values(subject).some((value) => value.length > 0)) found.push(invalid('spec.subject', remedy))
  const parsed = parseLiteralSubject(text)
  if ('error' in parsed) return { commonName, field, found: [...found, invalid(field, parsed.error)] }
  return { commonName: commonNameOf(parsed.rdns), field, found }
}

function anyName(desired: DesiredCertificate, commonName: string): Problem[] {
  const { dnsNames, ipAddresses, uris, emailAddresses, otherNames } = desired
  const lists = [dnsNames, ipAddresses, uris, emailAddresses, otherNames]
  if (commonName !== '' || lists.some((list) => list !== undefined && list.length > 0)) return []
  const message =
    'spec asks for no name: set at least one of dnsNames, commonName (also inside literalSubject), ipAddresses, uris, emailAddresses or otherNames'
  return [{ code: 'NoNames', field: 'spec', message }]
}

function commonNameLength({ commonName, field }: SubjectCheck): Problem[] {
  const length = [...commonName].length
  if (length <= longestCommonName) return []
  const phrase = `has a common name of ${length} characters, more than ${longestCommonName}`
  return [invalid(field, `${phrase}: shorten it, or leave it out and put the name into spec.dnsNames`)]
}

function each(
  values: readonly string[] | undefined,
  field: string,
  problem: (value: string) => string | undefined,
): Problem[] {
  return (values ?? []).flatMap((value, index) => {
    const phrase = problem(value)
    return phrase === undefined
      ? []
      : [invalid(`${field}[${index}]`, `is ${JSON.stringify(value)}: ${phrase}`)]
  })
}

/** Visible ASCII: what an IA5String of a SAN can hold and every server can read. */
const visible = /^[\x21-\x7e]+$/

function dnsNameProblem(value: string): string | undefined {
  if (value === '') return 'remove the entry or write a DNS name'
  if (!visible.test(value)) return 'write the name in ASCII without spaces, other scripts in Punycode (xn--…)'
  return undefined
}

function ipProblem(value: string): string | undefined {
  return canonicalIp(value) === undefined
    ? 'write an IPv4 or IPv6 address like "192.0.2.1" or "2001:db8::1"'
    : undefined
}

function uriProblem(value: string): string | undefined {
  const broken = !visible.test(value) || /%(?![0-9a-fA-F]{2})/.test(value)
  return broken ? 'write a URI in ASCII, other characters as percent escapes like "%20"' : undefined
}

const atom = "[\\w!#$%&'*+/=?^`{|}~-]+"
const bareEmail = new RegExp(`^${atom}(\\.${atom})*@(${atom}(\\.${atom})*|\\[[\\x21-\\x5a\\x5e-\\x7e]+\\])$`)

function emailProblem(value: string): string | undefined {
  return bareEmail.test(value)
    ? undefined
    : 'write the address alone, like "admin@example.com", without a display name'
}

function otherNameProblems({ otherNames = [] }: DesiredCertificate): Problem[] {
  return otherNames.flatMap(({ oid = '', utf8Value = '' }, index) => {
    const field = `spec.otherNames[${index}]`
    const found: Problem[] = []
    if (!isObjectIdentifier(oid)) {
      const phrase = `is ${JSON.stringify(oid)}: write a dotted object identifier like "1.3.6.1.4.1.311.20.2.3"`
      found.push(invalid(`${field}.oid`, phrase))
    }
    if (utf8Value === '' || !utf8Value.isWellFormed()) {
      found.push(invalid(`${field}.utf8Value`, 'must be a text that is not empty'))
    }
    return found
  })
}
