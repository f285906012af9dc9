import type { Certificate } from './api/certificate.ts'
import type { CertificateRequest } from './api/certificate-request.ts'
import type { Challenge } from './api/challenge.ts'
import type { Condition } from './api/conditions.ts'
import type { Issuer } from './api/issuer.ts'
import { issuerTypes } from './api/issuer/spec.ts'
import { builtInGroup, resolveIssuer } from '../workflows/domain/issuer-reference.ts'
import type { StoredObject } from './informers/store.ts'
import { secretNames } from './secret-references.ts'

/** What the bridge keeps of each object: just enough to know whether to ring, for whom, and what the metrics say. */

export type ConditionStatus = Condition['status']

export interface KeptCertificate extends StoredObject {
  kind: 'Certificate'
  generation: number
  secretName: string
  /** `<kind>/<namespace>/<name>` of a built-in issuer; namespace is empty for a ClusterIssuer. */
  issuer: string
  /** As in KnownFacts. */
  issuing: string
  nextKey: string
  /** Annotation certloom.dev/paused. */
  paused: boolean
  ready: boolean
  /** As the condition says; Unknown without one. */
  readyStatus: ConditionStatus
  /** spec.issuerRef as written, without defaults. */
  issuerRef: { name: string; kind: string; group: string }
  /** Seconds since 1970; 0 where the status has none. */
  notBefore: number
  notAfter: number
  renewalTime: number
  /** Failed attempts in a row. */
  failures: number
  /** The reason of the condition Stalled while it is True, a failure code; otherwise empty. */
  stalled: string
}

export interface KeptIssuer extends StoredObject {
  kind: 'Issuer' | 'ClusterIssuer'
  generation: number
  ready: boolean
  /** As the condition says, whatever generation it speaks of; Unknown without one. */
  readyStatus: ConditionStatus
  /** acme, ca, selfSigned …; empty where the spec has none or several. */
  type: string
  /** Names of Secrets, in the namespace of the issuer or in the cluster resource namespace. */
  secrets: string[]
}

export interface KeptRequest extends StoredObject {
  /** Name and uid of the Certificate that made it; empty for a request of somebody else. */
  certificate: string
  certificateUid: string
  /** Changes exactly where its Certificate should look. */
  news: string
}

export interface KeptSecret extends StoredObject {
  /**
   * When certloom published into it last, if nobody else wrote since. Who only takes fields away leaves no trace of his
   * own: it is our write only where this time moves.
   */
  published: string
}

export interface KeptChallenge extends StoredObject {
  domain: string
  type: string
  state: string
  reason: string
  processing: boolean
  /** Whether its record, or the claim that it may stand, is still to be removed. */
  holdsRecord: boolean
  /** A clean-up is due: the proof is over, or the object is being deleted. */
  over: boolean
}

type Meta = StoredObject['metadata']

function meta({
  metadata,
}: {
  metadata: { name: string; namespace?: string; uid?: string; resourceVersion?: string }
}): Meta {
  const { name, namespace, uid = '', resourceVersion = '' } = metadata
  return { name, namespace, uid, resourceVersion }
}

export function keepCertificate(certificate: Certificate): KeptCertificate {
  // The API server checks the schema; an object from before the schema may still lack its spec.
  const spec = (certificate.spec ?? {}) as Partial<Certificate['spec']>
  const conditions = certificate.status?.conditions ?? []
  const issuing = conditions.find((condition) => condition.type === 'Issuing')
  const { kind, name, group } = resolveIssuer(spec.issuerRef ?? { name: '' })
  const namespace = kind === 'ClusterIssuer' ? '' : (certificate.metadata.namespace ?? '')
  return {
    kind: 'Certificate',
    metadata: meta(certificate),
    generation: certificate.metadata.generation ?? 0,
    secretName: spec.secretName ?? '',
    issuer: group === builtInGroup ? `${kind}/${namespace}/${name}` : '',
    issuing: issuing?.status === 'True' ? `${issuing.reason ?? ''}@${issuing.lastTransitionTime ?? ''}` : '',
    nextKey: certificate.status?.nextPrivateKeySecretName ?? '',
    paused: certificate.metadata.annotations?.['certloom.dev/paused'] === 'true',
    ready: statusOf(conditions, 'Ready') === 'True',
    readyStatus: statusOf(conditions, 'Ready'),
    issuerRef: {
      name: spec.issuerRef?.name ?? '',
      kind: spec.issuerRef?.kind ?? '',
      group: spec.issuerRef?.group ?? '',
    },
    notBefore: seconds(certificate.status?.notBefore),
    notAfter: seconds(certificate.status?.notAfter),
    renewalTime: seconds(certificate.status?.renewalTime),
    failures: certificate.status?.failedIssuanceAttempts ?? 0,
    stalled: conditions.find(({ type, status }) => type === 'Stalled' && status === 'True')?.reason ?? '',
  }
}

function statusOf(conditions: readonly Condition[], type: string): ConditionStatus {
  return conditions.find((condition) => condition.type === type)?.status ?? 'Unknown'
}

function seconds(time: string | undefined): number {
  const milliseconds = time === undefined ? Number.NaN : Date.parse(time)
  return Number.isNaN(milliseconds) ? 0 : Math.floor(milliseconds / 1000)
}

export function keepIssuer(kind: KeptIssuer['kind']): (issuer: Issuer) => KeptIssuer {
  return (issuer) => ({
    kind,
    metadata: meta(issuer),
    generation: issuer.metadata.generation ?? 0,
    ready: (issuer.status?.conditions ?? []).some(
      (condition) =>
        condition.type === 'Ready' &&
        condition.status === 'True' &&
        condition.observedGeneration === issuer.metadata.generation,
    ),
    readyStatus: statusOf(issuer.status?.conditions ?? [], 'Ready'),
    type: issuerType(issuer),
    secrets: secretNames(issuer.spec),
  })
}

function issuerType(issuer: Issuer): string {
  // The API server checks the schema; an object from before the schema may still lack its spec.
  const spec = (issuer.spec ?? {}) as Partial<Issuer['spec']>
  const types = issuerTypes.filter((type) => spec[type] !== undefined)
  return types.length === 1 ? (types[0] ?? '') : ''
}

/** States in which the CA has answered: the record proves nothing any more. */
const FINAL_STATES = ['valid', 'invalid', 'expired', 'errored']

export function keepChallenge(challenge: Challenge): KeptChallenge {
  const { metadata, spec, status = {} } = challenge
  const state = status.state ?? ''
  return {
    metadata: meta(challenge),
    domain: spec.dnsName,
    type: spec.type,
    state,
    reason: status.reason ?? '',
    processing: status.processing ?? false,
    holdsRecord: metadata.annotations?.['certloom.dev/record'] !== undefined,
    over: FINAL_STATES.includes(state) || metadata.deletionTimestamp !== undefined,
  }
}

export function keepRequest(request: CertificateRequest): KeptRequest {
  const owner = (request.metadata.ownerReferences ?? []).find(
    (one) => one.controller === true && one.kind === 'Certificate',
  )
  const conditions = request.status?.conditions ?? []
  const foreign = (request.spec?.issuerRef?.group || builtInGroup) !== builtInGroup
  // Our own approval and signature are no news to us; a verdict of somebody else is.
  const news = conditions
    .filter(({ type, reason }) => (type === 'Ready' ? foreign : reason !== 'cert-manager.io'))
    .map(({ type, status, reason }) => `${type}=${status}:${reason ?? ''}`)
  return {
    metadata: meta(request),
    certificate: owner?.name ?? '',
    certificateUid: owner?.uid ?? '',
    news: news.sort().join(' '),
  }
}

/** Field manager of the publication, upstream's. */
const PUBLISHER = 'cert-manager-certificates-issuing'

interface SecretMetadata {
  metadata: Meta & { managedFields?: { manager?: string; time?: string }[] }
}

export function keepSecret(secret: SecretMetadata): KeptSecret {
  const times = { ours: '', others: '' }
  for (const { manager, time = '' } of secret.metadata.managedFields ?? []) {
    const whose = manager === PUBLISHER ? 'ours' : 'others'
    if (time > times[whose]) times[whose] = time
  }
  // Times are whole seconds: who wrote in the same second as we did may have written after us.
  return { metadata: meta(secret), published: times.ours > times.others ? times.ours : '' }
}
