import type { KeyObject } from 'node:crypto'
import type { Certificate } from '../../k8s-bridge/api/certificate.ts'
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

/** Reads the key of an issuance under way; undefined where it is missing, foreign or no longer fits the spec. */
export async function findNextKey(
  kubernetes: Kubernetes,
  certificate: Certificate,
  secretName: string,
): Promise<NextKey | undefined> {
  const { namespace = '', uid = '' } = certificate.metadata
  const secret = await kubernetes.get<Secret>(apiPath('Secret', namespace, secretName))
  if (secret === undefined || !isControlledBy(secret, uid)) return undefined
  const pem = secretBytes(secret, 'tls.key')
  if (pem === undefined) return undefined
  try {
    if (keyMismatches(keyFacts(pem), certificate.spec).length > 0) return undefined
    const key = decodePrivateKey(pem)
    return { key, publicKeySha256: publicKeySha256(key) }
  } catch {
    return undefined
  }
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
  try {
    await kubernetes.create(apiPath('Secret', certificate.metadata.namespace), secret)
  } catch (error) {
    if (!isStatus(error, 409)) throw error
    const found = await findNextKey(kubernetes, certificate, secretName)
    if (found !== undefined) return found
    throw new CertloomError(
      'SecretInUse',
      `Secret ${secretName} exists and is not the next key of this Certificate`,
    )
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
