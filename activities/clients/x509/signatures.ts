import { constants, createPublicKey, verify, type KeyObject } from 'node:crypto'
import { decodeOid, expect, readElements, readOnly, tag } from './der.ts'
import { describeKey } from './keys.ts'
import { X509Error } from './x509-error.ts'

type Hash = 'SHA-256' | 'SHA-384' | 'SHA-512'

/** The values of `spec.signatureAlgorithm`. */
const named: Partial<Record<string, { algorithm: string; hash: Hash }>> = {
  SHA256WithRSA: { algorithm: 'RSA', hash: 'SHA-256' },
  SHA384WithRSA: { algorithm: 'RSA', hash: 'SHA-384' },
  SHA512WithRSA: { algorithm: 'RSA', hash: 'SHA-512' },
  ECDSAWithSHA256: { algorithm: 'ECDSA', hash: 'SHA-256' },
  ECDSAWithSHA384: { algorithm: 'ECDSA', hash: 'SHA-384' },
  ECDSAWithSHA512: { algorithm: 'ECDSA', hash: 'SHA-512' },
  PureEd25519: { algorithm: 'Ed25519', hash: 'SHA-512' },
}

/** The hash to sign with: as strong as the key, or what `signatureAlgorithm` says. @throws X509Error if it does not fit. */
export function signatureHash(key: KeyObject, signatureAlgorithm?: string): Hash {
  const { algorithm, size } = describeKey(key)
  if (signatureAlgorithm !== undefined && signatureAlgorithm !== '') {
    const wanted = named[signatureAlgorithm]
    if (wanted === undefined)
      throw new X509Error(`signatureAlgorithm: must be one of ${Object.keys(named).join(', ')}`)
    if (wanted.algorithm !== algorithm) {
      throw new X509Error(
        `signatureAlgorithm: ${signatureAlgorithm} does not fit a key of algorithm ${algorithm}`,
      )
    }
    return wanted.hash
  }
  if (algorithm === 'Ed25519') return 'SHA-512'
  if (algorithm === 'ECDSA') return size === 256 ? 'SHA-256' : size === 384 ? 'SHA-384' : 'SHA-512'
  return size >= 4096 ? 'SHA-512' : size >= 3072 ? 'SHA-384' : 'SHA-256'
}

/** The key pair as WebCrypto wants it, with the algorithm to sign with. */
export function webCryptoKeys(key: KeyObject, hash: Hash) {
  const { algorithm, size } = describeKey(key)
  const parameters = {
    RSA: { name: 'RSASSA-PKCS1-v1_5', hash },
    ECDSA: { name: 'ECDSA', namedCurve: `P-${size}` },
    Ed25519: { name: 'Ed25519' },
  }[algorithm]
  return {
    keys: {
      privateKey: key.toCryptoKey(parameters, false, ['sign']),
      publicKey: createPublicKey(key).toCryptoKey(parameters, true, ['verify']),
    },
    signingAlgorithm: { name: parameters.name, hash },
  }
}

const hashesByOid: Partial<Record<string, string>> = {
  // PKCS#1 (RFC 8017)
  '1.2.840.113549.1.1.5': 'sha1',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  // ECDSA (RFC 5758)
  '1.2.840.10045.4.1': 'sha1',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  // bare hashes, in the parameters of RSASSA-PSS
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}

const RSASSA_PSS = '1.2.840.113549.1.1.10'
const ED25519 = '1.3.101.112'

/** Whether `signature` over `signed` is the key's, by the AlgorithmIdentifier given; false for unknown algorithms. */
export function signatureFits(algorithm: Buffer, signed: Buffer, key: KeyObject, signature: Buffer): boolean {
  const [type, parameters] = readElements(readOnly(algorithm, tag.sequence, 'signature algorithm').content)
  const oid = decodeOid(expect(type, tag.oid, 'signature algorithm').content)
  if (oid === ED25519) return key.asymmetricKeyType === 'ed25519' && verify(null, signed, key, signature)
  if (oid === RSASSA_PSS) {
    const hash = pssHash(parameters?.content)
    const padding = {
      key,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_AUTO,
    }
    return key.asymmetricKeyType === 'rsa' && hash !== undefined && verify(hash, signed, padding, signature)
  }
  const hash = hashesByOid[oid]
  const family = oid.startsWith('1.2.840.10045.') ? 'ec' : 'rsa'
  return hash !== undefined && key.asymmetricKeyType === family && verify(hash, signed, key, signature)
}

/** RFC 4055, 3.1: the hash is the field `[0]`, SHA-1 where it is left out. */
function pssHash(parameters: Buffer | undefined): string | undefined {
  const field = readElements(parameters ?? Buffer.alloc(0)).find((element) => element.tag === 0xa0)
  if (field === undefined) return 'sha1'
  const [oid] = readElements(readOnly(field.content, tag.sequence, 'signature algorithm').content)
  return hashesByOid[decodeOid(expect(oid, tag.oid, 'signature algorithm').content)]
}
