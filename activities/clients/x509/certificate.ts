import { createHash } from 'node:crypto'
import type { CertificateFacts } from '../../../workflows/domain/x509-facts.ts'
import { nameText } from './distinguished-name.ts'
import { basicConstraintsOf, nameFacts, usagesOf } from './extensions.ts'
import { decodePrivateKey, publicKeySha256 } from './keys.ts'
import {
  certificatePem,
  readCertificates,
  readFirstCertificate,
  type ReadCertificate,
} from './read-certificate.ts'
import { usageNames } from './usages.ts'

/** A certificate of a chain: what it says, and the document itself in both forms. */
export interface ChainElement {
  facts: CertificateFacts
  pem: string
  der: Buffer
}

/** Facts of the first certificate of a PEM text. @throws X509Error when there is none or it cannot be read. */
export function parseCertificate(pem: string | Buffer): CertificateFacts {
  return certificateFacts(readFirstCertificate(pem))
}

/** All certificates of a PEM text, in its order. @throws X509Error */
export function parseChain(pem: string | Buffer): ChainElement[] {
  return readCertificates(pem).map((certificate) => ({
    facts: certificateFacts(certificate),
    pem: certificatePem(certificate),
    der: certificate.x509.raw,
  }))
}

/** Whether the first certificate of a PEM text is for this private key. @throws X509Error when either cannot be read. */
export function matchesKey(certPem: string | Buffer, keyPem: string | Buffer): boolean {
  return (
    publicKeySha256(readFirstCertificate(certPem).publicKeyInfo) === publicKeySha256(decodePrivateKey(keyPem))
  )
}

export function certificateFacts(certificate: ReadCertificate): CertificateFacts {
  const { x509, extensions } = certificate
  const usages = usagesOf(extensions)
  return {
    ...nameFacts(certificate.subject, extensions),
    publicKeySha256: publicKeySha256(certificate.publicKeyInfo),
    fingerprint: createHash('sha256').update(x509.raw).digest('hex'),
    serial: x509.serialNumber.toLowerCase().replace(/^0+(?=.)/, ''),
    issuerName: nameText(certificate.issuer),
    isCA: basicConstraintsOf(extensions)?.isCA ?? false,
    ...(usages === undefined ? {} : { usages: usageNames(usages) }),
    notBefore: rfc3339(x509.validFromDate),
    notAfter: rfc3339(x509.validToDate),
  }
}

function rfc3339(date: Date): string {
  return date.toISOString().replace(/\.\d{3}Z$/, 'Z')
}
