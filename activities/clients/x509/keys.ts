import { createHash, createPrivateKey, createPublicKey, generateKeyPair, KeyObject } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import type { DesiredCertificate } from '../../../workflows/domain/desired.ts'
import type { KeyFacts } from '../../../workflows/domain/x509-facts.ts'
import { CertloomError } from '../../failure.ts'
import { knownSecrets } from '../../secrets/known-secrets.ts'
import { admission } from './admission.ts'
import { readPem } from './pem.ts'
import { X509Error } from './x509-error.ts'

/** Upstream's limit for a private key in PEM, in bytes. */
const MAX_KEY_BYTES = 13_000

const curves: Partial<Record<string, number>> = { prime256v1: 256, secp384r1: 384, secp521r1: 521 }

const generate = promisify(generateKeyPair)

/** RSA keys take a core for 0.1 to 2 s each; the last core stays with the event loop and its heartbeats. */
const rsaAdmission = admission(Math.max(1, availableParallelism() - 1))

/**
 * A new private key after `spec.privateKey`: RSA 2048 where nothing is said, ECDSA P-256, or Ed25519.
 * @throws CertloomError InvalidSpec for a size that the API does not allow.
 */
export async function generatePrivateKey(spec: DesiredCertificate['privateKey']): Promise<KeyObject> {
  const key = await generateKey(spec)
  knownSecrets.addKey(key)
  return key
}

async function generateKey(spec: DesiredCertificate['privateKey']): Promise<KeyObject> {
  switch (spec?.algorithm ?? 'RSA') {
    case 'RSA': {
      const modulusLength = spec?.size || 2048
      if (!Number.isInteger(modulusLength) || modulusLength < 2048 || modulusLength > 8192) {
        throw invalidSize('an RSA key has 2048 to 8192 bits')
      }
      return rsaAdmission(async () => (await generate('rsa', { modulusLength })).privateKey)
    }
    case 'ECDSA': {
      const size = spec?.size || 256
      const namedCurve = Object.keys(curves).find((curve) => curves[curve] === size)
      if (namedCurve === undefined) throw invalidSize('an ECDSA key has 256, 384 or 521 bits')
      return (await generate('ec', { namedCurve })).privateKey
    }
    case 'Ed25519':
      return (await generate('ed25519')).privateKey
    default:
      throw new CertloomError('InvalidSpec', 'spec.privateKey.algorithm must be RSA, ECDSA or Ed25519')
  }
}

function invalidSize(rule: string): CertloomError {
  return new CertloomError('InvalidSpec', `spec.privateKey.size: ${rule}`)
}

/** PEM of a private key. PKCS1 means SEC1 ("EC PRIVATE KEY") for ECDSA; Ed25519 only exists in PKCS8 (RFC 8410). */
export function encodePrivateKey(key: KeyObject, encoding: 'PKCS1' | 'PKCS8' = 'PKCS1'): string {
  const { algorithm } = describeKey(key)
  const traditional = algorithm === 'RSA' ? 'pkcs1' : 'sec1'
  const type = encoding === 'PKCS8' || algorithm === 'Ed25519' ? 'pkcs8' : traditional
  return key.export({ type, format: 'pem' }).toString()
}

/**
 * The first private key of a PEM text: PKCS1, SEC1 or PKCS8; RSA, ECDSA on P-256, P-384 or P-521, or Ed25519.
 * @throws X509Error whose message holds nothing of the input.
 */
export function decodePrivateKey(pem: string | Buffer): KeyObject {
  return readKeyBlock(pem).key
}

/**
 * Facts of a key. For PEM, `encoding` is what its label says; a bare KeyObject has none and counts as PKCS8.
 * @throws X509Error as decodePrivateKey.
 */
export function keyFacts(key: KeyObject | string | Buffer): KeyFacts {
  const block = key instanceof KeyObject ? { key, encoding: 'PKCS8' as const } : readKeyBlock(key)
  return { ...describeKey(block.key), encoding: block.encoding, publicKeySha256: publicKeySha256(block.key) }
}

/** SHA-256 of the SubjectPublicKeyInfo in lower-case hex: the same for a private key, its public key and its certificates. */
export function publicKeySha256(key: KeyObject | Buffer): string {
  return createHash('sha256')
    .update(key instanceof KeyObject ? publicKeyInfo(key) : key)
    .digest('hex')
}

/** SubjectPublicKeyInfo as DER. */
export function publicKeyInfo(key: KeyObject): Buffer {
  return (key.type === 'private' ? createPublicKey(key) : key).export({ type: 'spki', format: 'der' })
}

/** Algorithm and size; @throws X509Error for keys that cert-manager has no name for. */
export function describeKey(key: KeyObject): Pick<KeyFacts, 'algorithm' | 'size'> {
  const details = key.asymmetricKeyDetails
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return { algorithm: 'RSA', size: details?.modulusLength ?? 0 }
    case 'ec': {
      const size = curves[details?.namedCurve ?? '']
      if (size === undefined)
        throw new X509Error('the elliptic curve of the key is not P-256, P-384 or P-521')
      return { algorithm: 'ECDSA', size }
    }
    case 'ed25519':
      return { algorithm: 'Ed25519', size: 0 }
    default:
      throw new X509Error('the key is neither RSA nor ECDSA nor Ed25519')
  }
}

const keyLabels: Partial<
  Record<string, { type: 'pkcs1' | 'sec1' | 'pkcs8'; encoding: KeyFacts['encoding'] }>
> = {
  'RSA PRIVATE KEY': { type: 'pkcs1', encoding: 'PKCS1' },
  'EC PRIVATE KEY': { type: 'sec1', encoding: 'PKCS1' },
  'PRIVATE KEY': { type: 'pkcs8', encoding: 'PKCS8' },
}

function readKeyBlock(pem: string | Buffer): { key: KeyObject; encoding: KeyFacts['encoding'] } {
  // openssl puts "EC PARAMETERS" before the key.
  const block = readPem(pem, MAX_KEY_BYTES).find(({ label }) => label.endsWith('PRIVATE KEY'))
  if (block === undefined) throw new X509Error('no private key in PEM form found')
  const form = keyLabels[block.label]
  if (block.headers || block.label === 'ENCRYPTED PRIVATE KEY') {
    throw new X509Error('the private key is encrypted: store it without a passphrase')
  }
  if (form === undefined) throw new X509Error('the private key is not in PKCS1, SEC1 or PKCS8 form')
  const key = decoded(block.der, form.type)
  // A key that we have no name for is refused before its numbers are asked for: it may have none.
  describeKey(key)
  knownSecrets.addKey(key)
  return { key, encoding: form.encoding }
}

function decoded(der: Buffer, type: 'pkcs1' | 'sec1' | 'pkcs8'): KeyObject {
  try {
    return createPrivateKey({ key: der, format: 'der', type })
  } catch {
    // The library's error is dropped: nobody promises what of the input it holds.
    throw new X509Error('the private key cannot be decoded')
  }
}
