import type { Certificate } from '../../k8s-bridge/api/certificate.ts'
import type {
  CertificateRequest,
  CertificateRequestStatus,
} from '../../k8s-bridge/api/certificate-request.ts'
import type { RequestCondition } from '../../k8s-bridge/api/conditions.ts'
import { apiPath, apiVersionOf } from '../../k8s-bridge/api/kinds.ts'
import { requestName } from '../../workflows/domain/names.ts'
import { requestMismatches } from '../../workflows/domain/request-fits.ts'
import { createRequest } from '../clients/x509.ts'
import { isStatus, type Kubernetes } from '../clients/kubernetes.ts'
import type { Events } from '../events.ts'
import { CertloomError } from '../failure.ts'
import { cleanText } from '../clean-text.ts'
import { canonicalJson, sha256Hex } from '../hash.ts'
import { annotations, isControlledBy, ownedBy } from '../objects.ts'
import type { NextKey } from './temporary-key.ts'
import { literalSubject, requestFacts } from './view.ts'

/** Annotations that tools keep for themselves and that would be wrong on a copy. */
const NOT_COPIED = ['kubectl.kubernetes.io/', 'fluxcd.io/', 'argocd.argoproj.io/']

export const requestNameOf = (certificate: Certificate, revision: number) =>
  requestName(certificate.metadata.name, revision, sha256Hex)

/**
 * The CertificateRequest of a revision: a new one, or that which an earlier run left where it still says what is wished
 * with this key. It may have been refused meanwhile.
 */
export async function ensureRequest(
  kubernetes: Kubernetes,
  certificate: Certificate,
  revision: number,
  next: NextKey,
  temporarySecret: string,
  events: Events,
): Promise<CertificateRequest> {
  const { namespace, uid = '' } = certificate.metadata
  const name = requestNameOf(certificate, revision)
  const path = apiPath('CertificateRequest', namespace, name)
  const body = await newRequest(certificate, name, revision, next, temporarySecret)
  for (let isFirst = true; ; isFirst = false) {
    try {
      const created = await kubernetes.create<CertificateRequest>(
        apiPath('CertificateRequest', namespace),
        body,
      )
      const message = `Created new CertificateRequest resource "${name}"`
      events.normal({ kind: 'Certificate', metadata: certificate.metadata }, 'Requested', message)
      return created
    } catch (error) {
      if (!isStatus(error, 409)) throw error
      const existing = await kubernetes.get<CertificateRequest>(path)
      const ours = existing !== undefined && isControlledBy(existing, uid)
      if (ours && stillFits(existing, certificate, next, temporarySecret)) return existing
      if (existing !== undefined && !ours && !isOrphan(existing, certificate)) {
        throw new CertloomError(
          'SecretInUse',
          `CertificateRequest ${name} exists and belongs to something else; delete it`,
        )
      }
      if (!isFirst) throw error
      if (existing !== undefined)
        await kubernetes.delete(path, { uid: existing.metadata.uid, propagationPolicy: 'Background' })
    }
  }
}

/** Left by a deleted Certificate of the same name: the garbage collector will come, but it may take its time. */
function isOrphan(request: CertificateRequest, { metadata }: Certificate): boolean {
  const owner = request.metadata.ownerReferences?.find((one) => one.controller === true)
  return owner?.kind === 'Certificate' && owner.name === metadata.name && owner.uid !== metadata.uid
}

async function newRequest(
  certificate: Certificate,
  name: string,
  revision: number,
  next: NextKey,
  temporarySecret: string,
): Promise<object> {
  const { namespace, labels, annotations: given = {} } = certificate.metadata
  const { issuerRef, duration, isCA, usages } = certificate.spec
  const copied = Object.entries(given).filter(([key]) => !NOT_COPIED.some((prefix) => key.startsWith(prefix)))
  const csr = await createRequest(certificate.spec, next.key)
  return {
    apiVersion: apiVersionOf('CertificateRequest'),
    kind: 'CertificateRequest',
    metadata: {
      name,
      namespace,
      labels,
      annotations: {
        ...Object.fromEntries(copied),
        [annotations.certificateName]: certificate.metadata.name,
        [annotations.certificateRevision]: String(revision),
        [annotations.privateKeySecretName]: temporarySecret,
      },
      ownerReferences: [ownedBy('Certificate', certificate)],
    },
    spec: { request: Buffer.from(csr).toString('base64'), issuerRef, duration, isCA, usages },
  }
}

/**
 * A failed or denied request is the answer to the attempt that made it, and to no other: a later one has a next key in
 * a Secret of its own, also where rotationPolicy Never keeps the key.
 */
function stillFits(
  request: CertificateRequest,
  certificate: Certificate,
  next: NextKey,
  temporarySecret: string,
): boolean {
  if (request.metadata.deletionTimestamp !== undefined) return false
  const made = request.metadata.annotations?.[annotations.privateKeySecretName]
  if (isFailed(request) && made !== temporarySecret) return false
  try {
    const facts = requestFacts(request)
    const options = { literalSubjectDer: literalSubject(certificate) }
    const mismatches = requestMismatches(facts, request.spec, certificate.spec, options)
    return facts.publicKeySha256 === next.publicKeySha256 && mismatches.length === 0
  } catch {
    return false
  }
}

export function isFailed(request: CertificateRequest): boolean {
  const ready = conditionOf(request, 'Ready')
  return (
    ready?.reason === 'Failed' ||
    ready?.reason === 'Denied' ||
    conditionOf(request, 'Denied')?.status === 'True' ||
    conditionOf(request, 'InvalidRequest')?.status === 'True'
  )
}

/** The condition that says why a request failed; a denial goes before everything else. */
export function verdictOf(request: CertificateRequest): RequestCondition | undefined {
  const isTrue = (type: string) => {
    const found = conditionOf(request, type)
    return found?.status === 'True' ? found : undefined
  }
  return isTrue('Denied') ?? isTrue('InvalidRequest') ?? conditionOf(request, 'Ready')
}

/** What a failed request means for the attempt that made it. */
export function refusal(request: CertificateRequest): CertloomError {
  const code = conditionOf(request, 'Denied')?.status === 'True' ? 'RequestDenied' : 'RequestFailed'
  const { reason = '', message = '' } = verdictOf(request) ?? {}
  return new CertloomError(
    code,
    cleanText(`CertificateRequest ${request.metadata.name}, ${reason}: ${message}`),
  )
}

export function conditionOf(request: CertificateRequest, type: string): RequestCondition | undefined {
  return request.status?.conditions?.find((condition) => condition.type === type)
}

export interface RequestChange {
  conditions: { type: string; reason: string; message: string; status?: 'True' | 'False' }[]
  certificatePem?: string
  caPem?: string
  failed?: boolean
}

/** Writes the status of a request in one go; conditions that others wrote stay. Nothing is sent where nothing changes. */
export async function writeRequestStatus(
  kubernetes: Kubernetes,
  request: CertificateRequest,
  change: RequestChange,
): Promise<CertificateRequest> {
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  const status: CertificateRequestStatus = structuredClone(request.status ?? {})
  const conditions = status.conditions ?? []
  for (const { type, reason, message, status: wanted = 'True' } of change.conditions) {
    const at = conditions.findIndex((condition) => condition.type === type)
    const before = conditions[at]
    const lastTransitionTime = before?.status === wanted ? before.lastTransitionTime : now
    const after = { type, status: wanted, reason, message, lastTransitionTime }
    if (at < 0) conditions.push(after)
    else conditions[at] = after
  }
  status.conditions = conditions
  if (change.certificatePem !== undefined)
    status.certificate = Buffer.from(change.certificatePem).toString('base64')
  if (change.caPem !== undefined) status.ca = Buffer.from(change.caPem).toString('base64')
  if (change.failed === true) status.failureTime ??= now
  if (canonicalJson(status) === canonicalJson(request.status ?? {})) return request
  const { namespace, name, uid, resourceVersion } = request.metadata
  return kubernetes.patch<CertificateRequest>(apiPath('CertificateRequest', namespace, name, 'status'), [
    { op: 'test', path: '/metadata/uid', value: uid },
    { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
    { op: 'add', path: '/status', value: status },
  ])
}

export const APPROVED = {
  type: 'Approved',
  reason: 'cert-manager.io',
  message: 'Certificate request has been approved by cert-manager.io',
} as const

export const ISSUED = {
  type: 'Ready',
  reason: 'Issued',
  message: 'Certificate fetched from issuer successfully',
} as const

export const DENIED = {
  type: 'Ready',
  status: 'False',
  reason: 'Denied',
  message: 'The CertificateRequest was denied by an approval controller',
} as const
