import { certificate as certificateSchema, type Certificate } from '../../k8s-bridge/api/certificate.ts'
import type { CertificateRequest } from '../../k8s-bridge/api/certificate-request.ts'
import { describeIssues } from '../../k8s-bridge/api/issues.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import type { IssueInput, SecretFacts } from '../../workflows/domain/issue-reasons.ts'
import { requestName } from '../../workflows/domain/names.ts'
import type { CertificateFacts, KeyFacts, RequestFacts } from '../../workflows/domain/x509-facts.ts'
import type { CertificateReference } from '../../workflows/activities.ts'
import type { ObjectReference } from '../../workflows/messages.ts'
import type { Kubernetes } from '../clients/kubernetes.ts'
import { keyFacts, literalSubjectDer, parseCertificate, parseRequest } from '../clients/x509.ts'
import { CertloomError } from '../failure.ts'
import { canonicalJson, sha256Hex } from '../hash.ts'
import { secretBytes, type Secret } from '../objects.ts'
import { oncePerObject } from '../once-per-object.ts'

/** A Certificate with everything that decides about it, read live. */
export interface CertificateView {
  certificate: Certificate
  secret?: Secret
  /** Of status.revision and of the revision after it. */
  currentRequest?: CertificateRequest
  nextRequest?: CertificateRequest
}

/** Undefined only where the API server said that the object does not exist. */
export async function readCertificate(
  kubernetes: Kubernetes,
  ref: ObjectReference,
): Promise<Certificate | undefined> {
  const found = await kubernetes.get<unknown>(apiPath('Certificate', ref.namespace, ref.name))
  if (found === undefined) return undefined
  const parsed = certificateSchema.safeParse(found)
  if (!parsed.success) throw new CertloomError('InvalidSpec', describeIssues(parsed.error))
  return parsed.data
}

/** The Certificate of this incarnation, undefined where it is gone; it may be on its way out. */
export async function ownCertificate(
  kubernetes: Kubernetes,
  ref: CertificateReference,
): Promise<Certificate | undefined> {
  const certificate = await readCertificate(kubernetes, ref)
  return certificate?.metadata.uid === ref.uid ? certificate : undefined
}

/** The Certificate of this incarnation that is meant to live; what else is found ends the step. */
export async function requireCertificate(
  kubernetes: Kubernetes,
  ref: CertificateReference,
): Promise<Certificate> {
  const certificate = await readCertificate(kubernetes, ref)
  if (certificate === undefined || certificate.metadata.uid !== ref.uid) {
    throw new CertloomError('ObjectGone', `Certificate ${ref.namespace}/${ref.name} is gone`)
  }
  if (certificate.metadata.deletionTimestamp !== undefined) {
    throw new CertloomError('ObjectGone', `Certificate ${ref.namespace}/${ref.name} is being deleted`)
  }
  return certificate
}

export async function viewOf(kubernetes: Kubernetes, certificate: Certificate): Promise<CertificateView> {
  const { name, namespace = '' } = certificate.metadata
  const revision = certificate.status?.revision ?? 0
  const request = (number: number) =>
    kubernetes.get<CertificateRequest>(
      apiPath('CertificateRequest', namespace, requestName(name, number, sha256Hex)),
    )
  const [secret, currentRequest, nextRequest] = await Promise.all([
    kubernetes.get<Secret>(apiPath('Secret', namespace, certificate.spec.secretName)),
    revision > 0 ? request(revision) : undefined,
    needsNextRequest(certificate) ? request(revision + 1) : undefined,
  ])
  return { certificate, secret, currentRequest, nextRequest }
}

// Only a failure or an issuance under way leaves a request of the next revision: a quiet certificate costs no GET.
function needsNextRequest({ status }: Certificate): boolean {
  return (status?.failedIssuanceAttempts ?? 0) > 0 || status?.nextPrivateKeySecretName !== undefined
}

export function issueInput(view: CertificateView, now: number): IssueInput {
  const { certificate, secret, currentRequest } = view
  return {
    name: certificate.metadata.name,
    desired: certificate.spec,
    now,
    secret: secret === undefined ? undefined : secretFacts(secret),
    currentRequest:
      currentRequest === undefined
        ? undefined
        : { facts: orError(() => requestFacts(currentRequest)), spec: currentRequest.spec },
    literalSubjectDer: literalSubject(certificate),
  }
}

export const requestFacts = oncePerObject((request: CertificateRequest): RequestFacts =>
  parseRequest(Buffer.from(request.spec.request, 'base64').toString()),
)

export function literalSubject(certificate: Certificate): string | undefined {
  const text = certificate.spec.literalSubject
  if (text === undefined) return undefined
  const der = orError(() => literalSubjectDer(text))
  return typeof der === 'string' ? der : undefined
}

export const secretFacts = oncePerObject((secret: Secret): SecretFacts => {
  const key = secretBytes(secret, 'tls.key')
  const crt = secretBytes(secret, 'tls.crt')
  return {
    hasData: Object.keys(secret.data ?? {}).length > 0,
    hasKey: key !== undefined && key.length > 0,
    hasCertificate: crt !== undefined && crt.length > 0,
    key: key === undefined ? undefined : orError<KeyFacts>(() => keyFacts(key)),
    certificate:
      crt === undefined ? undefined : orError<CertificateFacts>(() => parseCertificate(crt.toString())),
    annotations: secret.metadata.annotations ?? {},
  }
})

/** Changes exactly when the key or the request would be another one. */
export function requestDigest(certificate: Certificate): string {
  const { commonName, literalSubject, subject, dnsNames, ipAddresses, uris, emailAddresses, otherNames } =
    certificate.spec
  const { duration, isCA, usages, encodeUsagesInRequest, nameConstraints, signatureAlgorithm, issuerRef } =
    certificate.spec
  const { algorithm, size, rotationPolicy } = certificate.spec.privateKey ?? {}
  const names = {
    commonName,
    literalSubject,
    subject,
    dnsNames,
    ipAddresses,
    uris,
    emailAddresses,
    otherNames,
  }
  const request = {
    duration,
    isCA,
    usages,
    encodeUsagesInRequest,
    nameConstraints,
    signatureAlgorithm,
    issuerRef,
  }
  return sha256Hex(canonicalJson({ ...names, ...request, algorithm, size, rotationPolicy })).slice(0, 32)
}

function orError<T>(read: () => T): T | { error: string } {
  try {
    return read()
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}
