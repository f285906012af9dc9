import { createPublicKey, type KeyObject } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, FlattenedSign, type FlattenedJWS, type JWK } from 'jose'
import { CertloomError } from '../../failure.ts'

/** What signs an account's requests: the private key, its public half as a JWK, and the RFC 7638 thumbprint. */
export interface AccountSigner {
  readonly key: KeyObject
  readonly algorithm: string
  readonly publicJwk: JWK
  /** SHA-256 thumbprint of the public key, base64url (RFC 7638). */
  readonly thumbprint: string
}

/** How a request names its account: by URL, or by the key itself where no account is known yet (RFC 8555 6.2). */
export type SignerIdentity = { kid: string } | { jwk: JWK }

export async function accountSigner(key: KeyObject): Promise<AccountSigner> {
  const algorithm = signatureAlgorithm(key)
  const publicJwk = await exportJWK(createPublicKey(key))
  return { key, algorithm, publicJwk, thumbprint: await calculateJwkThumbprint(publicJwk) }
}

/**
 * The body of an ACME POST (RFC 8555 6.2): flattened JSON serialization, payload `''` for POST-as-GET.
 * `payload` is sent as its JSON; undefined means POST-as-GET.
 */
export function signRequest(
  signer: AccountSigner,
  identity: SignerIdentity,
  request: { url: string; nonce: string; payload: unknown },
): Promise<FlattenedJWS> {
  return new FlattenedSign(bytesOf(request.payload))
    .setProtectedHeader({ alg: signer.algorithm, nonce: request.nonce, url: request.url, ...identity })
    .sign(signer.key)
}

/** The externalAccountBinding of newAccount (RFC 8555 7.3.4): our public key, signed with the CA's MAC key. */
export function signExternalAccountBinding(
  signer: AccountSigner,
  binding: { keyId: string; hmacKey: Buffer },
  url: string,
): Promise<FlattenedJWS> {
  return new FlattenedSign(bytesOf(signer.publicJwk))
    .setProtectedHeader({ alg: 'HS256', kid: binding.keyId, url })
    .sign(binding.hmacKey)
}

function bytesOf(payload: unknown): Uint8Array {
  return payload === undefined ? new Uint8Array() : new TextEncoder().encode(JSON.stringify(payload))
}

function signatureAlgorithm(key: KeyObject): string {
  if (key.type !== 'private') throw unusable('it is not a private key')
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {}
  switch (key.asymmetricKeyType) {
    case 'rsa':
      if ((modulusLength ?? 0) < 2048)
        throw unusable(`RSA with ${modulusLength ?? 0} bits, at least 2048 are needed`)
      return 'RS256'
    case 'ec': {
      const algorithm = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' }[namedCurve ?? '']
      if (algorithm === undefined)
        throw unusable(`curve ${namedCurve ?? 'unknown'}, use P-256, P-384 or P-521`)
      return algorithm
    }
    case 'ed25519':
      return 'EdDSA'
    default:
      throw unusable(`type ${key.asymmetricKeyType ?? 'unknown'}, use RSA, ECDSA or Ed25519`)
  }
}

function unusable(why: string): CertloomError {
  return new CertloomError('SecretInvalid', `ACME account key: ${why}`)
}
