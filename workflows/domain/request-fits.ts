import type { DesiredCertificate, IssuerReference } from './desired.ts'
import { durationMs } from './go-duration.ts'
import { canonicalIp } from './ip-address.ts'
import { sameIssuer } from './issuer-reference.ts'
import type { CertificateFacts, RequestFacts } from './x509-facts.ts'

/** What of a CertificateRequest's spec is compared beside the CSR. */
export interface RequestSpec {
  issuerRef: IssuerReference
  /** Go duration. */
  duration?: string
  isCA?: boolean
  usages?: string[]
}

/** The literal subject as DER in lower-case hex, encoded as certloom encodes a CSR's subject. */
export interface LiteralSubjectOption {
  literalSubjectDer?: string
}

/**
 * The fields of a Certificate's spec that a CertificateRequest no longer answers to, in cert-manager's order and
 * spelling ("spec.subject.postCodes" is upstream's own). Not compared: privateKey, secretTemplate, keystores,
 * renewBefore, output formats. Without `literalSubjectDer` a literal subject counts as fitting.
 */
export function requestMismatches(
  csr: RequestFacts,
  spec: RequestSpec,
  desired: DesiredCertificate,
  options: LiteralSubjectOption = {},
): string[] {
  const fields = [...alternativeNameMismatches(csr, desired)]
  if (!sameSet(csr.dnsNames, desired.dnsNames)) fields.push('spec.dnsNames')
  if (desired.otherNames !== undefined && !sameOtherNames(csr, desired)) fields.push('spec.otherNames')
  fields.push(...subjectMismatches(csr, desired, options))
  if ((spec.isCA ?? false) !== (desired.isCA ?? false)) fields.push('spec.isCA')
  if (!sameSet(spec.usages, desired.usages)) fields.push('spec.usages')
  const [requested, wanted] = [durationMs(spec.duration), durationMs(desired.duration)]
  if (requested !== undefined && wanted !== undefined && requested !== wanted) fields.push('spec.duration')
  if (!sameIssuer(spec.issuerRef, desired.issuerRef)) fields.push('spec.issuerRef')
  return fields
}

/**
 * The same question where no CertificateRequest is left: compares the certificate itself, loosely, because issuers
 * override fields. Common name and DNS names count as one set: CAs promote one to the other.
 */
export function certificateMismatches(certificate: CertificateFacts, desired: DesiredCertificate): string[] {
  const wantedCn = desired.commonName ?? ''
  const wanted = new Set(desired.dnsNames ?? [])
  if (wantedCn !== '') wanted.add(wantedCn)
  const present = new Set(certificate.dnsNames)
  if (certificate.commonName !== '') present.add(certificate.commonName)

  const fields: string[] = []
  const missing = wantedCn !== '' && !present.has(wantedCn)
  const foreign = certificate.commonName !== '' && !wanted.has(certificate.commonName)
  if (missing || foreign) fields.push('spec.commonName')
  const fits = (desired.dnsNames ?? []).every((name) => present.has(name))
  if (!fits || !certificate.dnsNames.every((name) => wanted.has(name))) fields.push('spec.dnsNames')
  return [...fields, ...alternativeNameMismatches(certificate, desired)]
}

type AlternativeNames = Pick<RequestFacts, 'ipAddresses' | 'uris' | 'emailAddresses'>

function alternativeNameMismatches(present: AlternativeNames, desired: DesiredCertificate): string[] {
  const fields: string[] = []
  const canonical = (addresses: string[] = []) => addresses.map((text) => canonicalIp(text) ?? text)
  if (!sameSet(canonical(present.ipAddresses), canonical(desired.ipAddresses)))
    fields.push('spec.ipAddresses')
  if (!sameSet(present.uris, desired.uris)) fields.push('spec.uris')
  if (!sameSet(present.emailAddresses, desired.emailAddresses)) fields.push('spec.emailAddresses')
  return fields
}

const subjectLists = [
  ['organizations', 'spec.subject.organizations'],
  ['countries', 'spec.subject.countries'],
  ['localities', 'spec.subject.localities'],
  ['organizationalUnits', 'spec.subject.organizationalUnits'],
  ['postalCodes', 'spec.subject.postCodes'],
  ['provinces', 'spec.subject.provinces'],
  ['streetAddresses', 'spec.subject.streetAddresses'],
] as const

function subjectMismatches(
  csr: RequestFacts,
  desired: DesiredCertificate,
  { literalSubjectDer }: LiteralSubjectOption,
): string[] {
  if (desired.literalSubject) {
    const fits = literalSubjectDer === undefined || literalSubjectDer === csr.subjectDer
    return fits ? [] : ['spec.literalSubject']
  }
  const fields: string[] = []
  if (csr.commonName !== (desired.commonName ?? '')) fields.push('spec.commonName')
  const serialNumber = desired.subject?.serialNumber ?? ''
  if ((csr.subject.serialNumber ?? '') !== serialNumber) fields.push('spec.subject.serialNumber')
  for (const [list, field] of subjectLists) {
    if (!sameSet(csr.subject[list], desired.subject?.[list])) fields.push(field)
  }
  return fields
}

function sameOtherNames(csr: RequestFacts, desired: DesiredCertificate): boolean {
  const texts = (names: { oid?: string; utf8Value?: string }[] = []) =>
    names.map(({ oid = '', utf8Value = '' }) => JSON.stringify([oid, utf8Value]))
  return sameSet(texts(csr.otherNames), texts(desired.otherNames))
}

/** Equal up to order; how often a value appears counts, as it does upstream. */
function sameSet(left: readonly string[] = [], right: readonly string[] = []): boolean {
  if (left.length !== right.length) return false
  const [a, b] = [[...left].sort(), [...right].sort()]
  return a.every((value, index) => value === b[index])
}
