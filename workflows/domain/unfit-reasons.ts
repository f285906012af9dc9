import type { DesiredCertificate } from './desired.ts'
import { describeIssuer, sameIssuer } from './issuer-reference.ts'
import { keyMismatches } from './key-fits.ts'
import { certificateMismatches, requestMismatches, type RequestSpec } from './request-fits.ts'
import type { CertificateFacts, KeyFacts, RequestFacts } from './x509-facts.ts'

/** A reason and message of a condition or event; cert-manager's own, letter by letter. */
export interface Reason {
  reason: string
  message: string
}

export interface SecretFacts {
  hasData: boolean
  hasKey: boolean
  hasCertificate: boolean
  key?: KeyFacts | { error: string }
  certificate?: CertificateFacts | { error: string }
  /** Where absent, the fingerprints of both public keys are compared. */
  keyMatches?: boolean | { error: string }
  annotations: Record<string, string>
}

export interface IssueInput {
  /** metadata.name of the Certificate. */
  name: string
  desired: DesiredCertificate
  /** Milliseconds since 1970. */
  now: number
  /** spec.secretName's Secret; undefined where it does not exist. */
  secret: SecretFacts | undefined
  /** The CertificateRequest of status.revision, if it is still there. */
  currentRequest?: { facts?: RequestFacts | { error: string }; spec: RequestSpec }
  /** A renewal time that the CA suggested (see RenewalInput.suggested); otherwise the rules of the spec hold. */
  renewalTime?: string
  /** spec.literalSubject as DER in lower-case hex. */
  literalSubjectDer?: string
}

/** The first check that fails of those that issuing and readiness share, in cert-manager's order. */
export function whyUnfit(input: IssueInput): Reason | undefined {
  const { secret } = input
  if (secret === undefined) {
    return { reason: 'DoesNotExist', message: 'Issuing certificate as Secret does not exist' }
  }
  const data = missingData(secret)
  if (data !== undefined)
    return { reason: 'MissingData', message: `Issuing certificate as Secret does not contain ${data}` }
  const { key, certificate } = secret
  if (key === undefined || 'error' in key) {
    const message = `Issuing certificate as Secret contains invalid private key data: ${errorOf(key)}`
    return { reason: 'InvalidKeyPair', message }
  }
  if (certificate === undefined || 'error' in certificate) return invalidCertificate(errorOf(certificate))
  return (
    whyKeyPair(secret, key, certificate) ??
    whyAnnotations(input, secret) ??
    whyKey(input, key) ??
    whyRequest(input, key, certificate)
  )
}

function missingData({ hasData, hasKey, hasCertificate }: SecretFacts): string | undefined {
  if (!hasData) return 'any data'
  if (!hasKey) return 'a private key'
  return hasCertificate ? undefined : 'a certificate'
}

function whyKeyPair(secret: SecretFacts, key: KeyFacts, certificate: CertificateFacts): Reason | undefined {
  const matches = secret.keyMatches ?? key.publicKeySha256 === certificate.publicKeySha256
  if (matches === true) return undefined
  const message =
    matches === false
      ? 'Issuing certificate as Secret contains a private key that does not match the certificate'
      : `Secret contains an invalid key-pair: ${matches.error}`
  return { reason: 'InvalidKeyPair', message }
}

function whyAnnotations({ name, desired }: IssueInput, { annotations }: SecretFacts): Reason | undefined {
  const names = ['name', 'kind', 'group'].map((part) => annotations[`cert-manager.io/issuer-${part}`])
  const [issuerName = '', kind = '', group = ''] = names
  const present = names.some((value) => value !== undefined)
  // Without any annotation the name is not compared, but the kind and the group are: upstream's rule.
  const issuer = { name: present ? issuerName : desired.issuerRef.name, kind, group }
  if (!sameIssuer(issuer, desired.issuerRef)) {
    const issuedBy = quote(describeIssuer({ name: issuerName, kind, group }))
    return {
      reason: 'IncorrectIssuer',
      message: `Issuing certificate as Secret was previously issued by ${issuedBy}`,
    }
  }
  const owner = annotations['cert-manager.io/certificate-name']
  if (owner === undefined || owner === name) return undefined
  const message = `Secret was issued for ${quote(owner)}. If this message is not transient, you might have two conflicting Certificates pointing to the same secret.`
  return { reason: 'IncorrectCertificate', message }
}

function whyKey({ desired }: IssueInput, key: KeyFacts): Reason | undefined {
  const fields = keyMismatches(key, desired)
  if (fields.length === 0) return undefined
  return {
    reason: 'SecretMismatch',
    message: `Existing private key is not up to date for spec: ${list(fields)}`,
  }
}

function whyRequest(input: IssueInput, key: KeyFacts, certificate: CertificateFacts): Reason | undefined {
  const { desired, currentRequest } = input
  if (currentRequest === undefined) {
    const fields = certificateMismatches(certificate, desired)
    if (fields.length === 0) return undefined
    const message = `Issuing certificate as Existing issued Secret is not up to date for spec: ${list(fields)}`
    return { reason: 'SecretMismatch', message }
  }
  const { facts, spec } = currentRequest
  if (facts === undefined || 'error' in facts) {
    const message = `Failed to decode current CertificateRequest: ${errorOf(facts)}`
    return { reason: 'InvalidCertificateRequest', message }
  }
  if (facts.publicKeySha256 !== key.publicKeySha256) {
    const message = 'Secret contains a private key that does not match the current CertificateRequest'
    return { reason: 'SecretMismatch', message }
  }
  const fields = requestMismatches(facts, spec, desired, input)
  if (fields.length === 0) return undefined
  const message = `Fields on existing CertificateRequest resource not up to date: ${list(fields)}`
  return { reason: 'RequestChanged', message }
}

function invalidCertificate(error: string): Reason {
  return {
    reason: 'InvalidCertificate',
    message: `Issuing certificate as Secret contains an invalid certificate: ${error}`,
  }
}

function errorOf(facts: { error: string } | undefined): string {
  return facts?.error ?? 'no PEM data was found'
}

function list(fields: readonly string[]): string {
  return `[${fields.join(' ')}]`
}

function quote(text: string): string {
  return JSON.stringify(text)
}
