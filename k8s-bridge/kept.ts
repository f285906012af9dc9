import type { Certificate } from './api/certificate.ts'
import type { CertificateRequest } from './api/certificate-request.ts'
import type { Issuer } from './api/issuer.ts'
import { builtInGroup, resolveIssuer } from '../workflows/domain/issuer-reference.ts'
import type { StoredObject } from './informers/store.ts'
import { secretNames } from './secret-references.ts'

/** What the bridge keeps of each object: just enough to know whether to ring, and for whom. */

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
}

export interface KeptIssuer extends StoredObject {
  kind: 'Issuer' | 'ClusterIssuer'
  generation: number
  ready: boolean
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
    ready: conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True'),
  }
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
    secrets: secretNames(issuer.spec),
  })
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
