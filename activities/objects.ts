import type { ObjectMetadata, OwnerReference } from '../k8s-bridge/api/metadata.ts'
import { apiVersionOf, type Kind } from '../k8s-bridge/api/kinds.ts'

/** A core/v1 Secret as far as certloom reads it; `data` is base64. */
export interface Secret {
  metadata: ObjectMetadata
  type?: string
  data?: Record<string, string>
}

export function secretBytes(secret: Secret, key: string): Buffer | undefined {
  const value = secret.data?.[key]
  return value === undefined ? undefined : Buffer.from(value, 'base64')
}

/** The controller reference by which garbage collection follows the object. */
export function ownedBy(kind: Kind, owner: { metadata: ObjectMetadata }): OwnerReference {
  const { name, uid } = owner.metadata
  if (uid === undefined)
    throw new TypeError(`${kind} ${name} has no uid: it was never read from the API server`)
  return { apiVersion: apiVersionOf(kind), kind, name, uid, controller: true, blockOwnerDeletion: true }
}

export function isControlledBy(object: { metadata: ObjectMetadata }, uid: string): boolean {
  return (object.metadata.ownerReferences ?? []).some(
    (owner) => owner.controller === true && owner.uid === uid,
  )
}

export const annotations = {
  certificateName: 'cert-manager.io/certificate-name',
  certificateRevision: 'cert-manager.io/certificate-revision',
  privateKeySecretName: 'cert-manager.io/private-key-secret-name',
  paused: 'certloom.dev/paused',
  record: 'certloom.dev/record',
  /** Where the order is at the CA: written with the Order, so that no crash can come between. */
  order: 'certloom.dev/order',
} as const

export const labels = {
  /** Marks the Secrets that the controller may read whole. */
  fao: 'controller.cert-manager.io/fao',
  nextPrivateKey: 'cert-manager.io/next-private-key',
  /** Digest of the challenge name, to list who may hold it. */
  challengeName: 'certloom.dev/challenge-name',
  /** uid of the Certificate behind a Challenge. */
  certificate: 'certloom.dev/certificate',
  /** uid of the Order that a Challenge belongs to: with the order all of them go. */
  order: 'certloom.dev/order',
} as const

/** Part of upstream's contract: e2e tests and users look for these managers. */
export const FIELD_MANAGER_ISSUING = 'cert-manager-certificates-issuing'
