import type { KeyObject } from 'node:crypto'
import type { Certificate } from '../../k8s-bridge/api/certificate.ts'
import { isObjectName } from '../../k8s-bridge/api/fields.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import { keyMismatches } from '../../workflows/domain/key-fits.ts'
import {
  decodePrivateKey,
  encodePrivateKey,
  generatePrivateKey,
  keyFacts,
  publicKeySha256,
} from '../clients/x509.ts'
import { isStatus, type Kubernetes } from '../clients/kubernetes.ts'
import type { Events } from '../events.ts'
import { CertloomError } from '../failure.ts'
import { sha256Hex } from '../hash.ts'
import { isControlledBy, labels, ownedBy, secretBytes, type Secret } from '../objects.ts'

export interface NextKey {
  key: KeyObject
  publicKeySha256: string
}

/** The name is the attempt's own: a second run of the step finds the Secret of the first. */
export function temporarySecretName(certificate: Certificate, revision: number, attempt: number): string {
  const digest = sha256Hex(`${certificate.metadata.uid}/${revision}/${attempt}`).slice(0, 5)
  return `${certificate.metadata.name.slice(0, 240)}-${digest}`
}

/** Whoever may write the status may name any Secret there, also one that is the Certificate's but no next key. */
export function isNextKeyOf(secret: Secret, certificate: Certificate): boolean {
  const { metadata } = secret
  return (
    metadata.labels?.[labels.nextPrivateKey] === 'true' &&
    isControlledBy(secret, certificate.metadata.uid ?? '')
  )
}

/** The Secret of that name, where it is a next key of this Certificate. */
async function readNextKey(
  kubernetes: Kubernetes,
  certificate: Certificate,
  secretName: string,
): Promise<Secret | undefined> {
  if (!isObjectName(secretName)) return undefined
  const secret = await kubernetes.get<Secret>(apiPath('Secret', certificate.metadata.namespace, secretName))
  return secret !== undefined && isNextKeyOf(secret, certificate) ? secret : undefined
}

/** Deletes a next key of this Certificate; what else bears the name stays. A second run finds nothing. */
export async function deleteNextKey(
  kubernetes: Kubernetes,
  certificate: Certificate,
  secretName: string,
): Promise<void> {
  const secret = await readNextKey(kubernetes, certificate, secretName)
  if (secret !== undefined) await deleteSecret(kubernetes, secret)
}

async function deleteSecret(kubernetes: Kubernetes, { metadata }: Secret): Promise<void> {
  await kubernetes.delete(apiPath('Secret', metadata.namespace, metadata.name), { uid: metadata.uid })
}

/**
 * The key of an issuance under way; undefined where it is missing or not ours. One of ours that does not fit the spec
 * any more is deleted: no attempt would come back to it.
 */
export async function takeNextKey(
  kubernetes: Kubernetes,
  certificate: Certificate,
  secretName: string,
  events: Events,
): Promise<NextKey | undefined> {
  const secret = await readNextKey(kubernetes, certificate, secretName)
  if (secret === undefined) return undefined
  const pem = secretBytes(secret, 'tls.key')
  let mismatches: string[] = []
  try {
    if (pem !== undefined) {
      mismatches = keyMismatches(keyFacts(pem), certificate.spec)
      const key = decodePrivateKey(pem)
      if (mismatches.length === 0) return { key, publicKeySha256: publicKeySha256(key) }
    }
  } catch {
    // What cannot be read as a key serves nobody.
  }
  await deleteSecret(kubernetes, secret)
  if (mismatches.length > 0) {
    const message = `Regenerating private key due to change in fields: [${mismatches.join(' ')}]`
    events.normal({ kind: 'Certificate', metadata: certificate.metadata }, 'Deleted', message)
  }
  return undefined
}

/**
 * The key of the next certificate: stored in a Secret of its own before anything uses it. rotationPolicy Never takes
 * the key in use, as long as it fits.
 */
export async function createNextKey(
  kubernetes: Kubernetes,
  certificate: Certificate,
  inUse: Buffer | undefined,
  secretName: string,
  events: Events,
): Promise<NextKey> {
  const subject = { kind: 'Certificate' as const, metadata: certificate.metadata }
  const reused = reusable(certificate, inUse)
  const key = reused ?? (await generatePrivateKey(certificate.spec.privateKey))
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: secretName,
      namespace: certificate.metadata.namespace,
      labels: { [labels.nextPrivateKey]: 'true', [labels.fao]: 'true' },
      ownerReferences: [ownedBy('Certificate', certificate)],
    },
    type: 'Opaque',
    data: { 'tls.key': Buffer.from(encodePrivateKey(key, 'PKCS8')).toString('base64') },
  }
  const collection = apiPath('Secret', certificate.metadata.namespace)
  try {
    await kubernetes.create(collection, secret)
  } catch (error) {
    if (!isStatus(error, 409)) throw error
    const found = await takeNextKey(kubernetes, certificate, secretName, events)
    if (found !== undefined) return found
    // One of ours that did not fit is gone by now: the number of an attempt comes again after a loss of Temporal.
    await kubernetes.create(collection, secret).catch((again: unknown) => {
      if (!isStatus(again, 409)) throw again
      const message = `Secret ${secretName} exists and is not the next key of this Certificate`
      throw new CertloomError('SecretInUse', message)
    })
  }
  if (reused === undefined) {
    events.normal(subject, 'Generated', `Stored new private key in temporary Secret resource "${secretName}"`)
  } else {
    const source = certificate.spec.secretName
    events.normal(subject, 'Reused', `Reusing private key stored in existing Secret resource "${source}"`)
  }
  return { key, publicKeySha256: publicKeySha256(key) }
}

function reusable(certificate: Certificate, inUse: Buffer | undefined): KeyObject | undefined {
  if (certificate.spec.privateKey?.rotationPolicy !== 'Never' || inUse === undefined) return undefined
  let key: KeyObject
  let mismatches: string[]
  try {
    key = decodePrivateKey(inUse)
    mismatches = keyMismatches(keyFacts(inUse), certificate.spec)
  } catch {
    // An undecodable key serves nobody: a new one is made, as upstream does.
    return undefined
  }
  if (mismatches.length === 0) return key
  const text = `existing private key in Secret ${certificate.spec.secretName} does not match: [${mismatches.join(' ')}]`
  throw new CertloomError('CannotRegenerateKey', `User intervention required: ${text}`)
}
