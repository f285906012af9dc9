import type { KeyObject } from 'node:crypto'
import { CertloomError } from '../../failure.ts'
import { pathOf } from './chain.ts'
import { basicConstraintsOf, usagesOf } from './extensions.ts'
import { publicKeySha256 } from './keys.ts'
import { readCertificates, type ReadCertificate } from './read-certificate.ts'
import { usageNames } from './usages.ts'
import { X509Error } from './x509-error.ts'

/** Certificate and key of a CA issuer, as its Secret holds them. */
export interface IssuerPair {
  /** The signing certificate first, then its own issuers. */
  certificatePem: string | Buffer
  key: KeyObject
}

/**
 * Whether the pair can sign at `now`.
 * @throws CertloomError SecretInvalid that says what is wrong with it; the caller knows and adds the Secret's name.
 */
export function checkIssuerPair(pair: IssuerPair, now: Date): void {
  readIssuerPair(pair, now)
}

/** The CA's certificates, the signing one first. */
export function readIssuerPair(
  { certificatePem, key }: IssuerPair,
  now: Date,
): [ReadCertificate, ...ReadCertificate[]] {
  try {
    const certificates = readCertificates(certificatePem)
    const [signer, ...rest] = pathOf(certificates)
    if (signer === undefined || signer.x509.fingerprint256 !== certificates[0]?.x509.fingerprint256) {
      throw new X509Error('the first certificate is not the one that the others lead to')
    }
    checkSigner(signer, key, now)
    return [signer, ...rest]
  } catch (error) {
    throw error instanceof X509Error
      ? new CertloomError('SecretInvalid', `CA certificate: ${error.message}`)
      : error
  }
}

function checkSigner(signer: ReadCertificate, key: KeyObject, now: Date): void {
  if (publicKeySha256(signer.publicKeyInfo) !== publicKeySha256(key)) {
    throw new X509Error('the private key belongs to another certificate')
  }
  if (basicConstraintsOf(signer.extensions)?.isCA !== true)
    throw new X509Error('it is not a CA (basicConstraints CA:TRUE)')
  const usages = usagesOf(signer.extensions)
  if (usages !== undefined && usages.keyUsageBits !== 0 && !usageNames(usages).includes('cert sign')) {
    throw new X509Error('its key usage does not allow to sign certificates (cert sign)')
  }
  if (signer.x509.validToDate <= now)
    throw new X509Error(`it expired at ${signer.x509.validToDate.toISOString()}`)
  if (signer.x509.validFromDate > now) {
    throw new X509Error(`it is not valid before ${signer.x509.validFromDate.toISOString()}`)
  }
}
