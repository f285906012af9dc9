import { X509Certificate } from 'node:crypto'
import { contextTag, expect, readElements, readOnly, tag } from './der.ts'
import { readExtensions, type Extensions } from './extensions.ts'
import { readPem, writePem } from './pem.ts'
import { X509Error } from './x509-error.ts'

/** A certificate (RFC 5280, 4.1) that OpenSSL accepted, with the parts that node:crypto does not show. */
export interface ReadCertificate {
  x509: X509Certificate
  /** 1 or 3. */
  version: number
  /** Names, DER, as they stand in the document. */
  issuer: Buffer
  subject: Buffer
  /** SubjectPublicKeyInfo, DER. */
  publicKeyInfo: Buffer
  extensions: Extensions
}

const WHAT = 'certificate'

/** The certificates of a PEM text, in its order, each as a PEM text of its own. @throws X509Error when there is none. */
export function splitPem(pem: string | Buffer): string[] {
  return certificateBlocks(pem).map((der) => writePem('CERTIFICATE', der))
}

/** @throws X509Error when there is none, or one cannot be read. */
export function readCertificates(pem: string | Buffer): ReadCertificate[] {
  return certificateBlocks(pem).map(readCertificate)
}

/** The first certificate of a PEM text; the others are not looked at. */
export function readFirstCertificate(pem: string | Buffer): ReadCertificate {
  return readCertificate(certificateBlocks(pem)[0] ?? Buffer.alloc(0))
}

export function certificatePem(certificate: ReadCertificate): string {
  return writePem('CERTIFICATE', certificate.x509.raw)
}

function certificateBlocks(pem: string | Buffer): Buffer[] {
  const blocks = readPem(pem).filter(({ label }) => label === 'CERTIFICATE')
  if (blocks.length === 0) throw new X509Error('no certificate in PEM form found')
  return blocks.map(({ der }) => der)
}

function readCertificate(der: Buffer): ReadCertificate {
  const [tbs] = readElements(readOnly(der, tag.sequence, WHAT).content)
  const fields = readElements(expect(tbs, tag.sequence, WHAT).content)
  const version = fields[0]?.tag === contextTag(0, true) ? fields.shift() : undefined
  const [, , issuer, , subject, publicKeyInfo, ...rest] = fields
  const extensions = rest.find((element) => element.tag === contextTag(3, true))
  return {
    x509: openSslCertificate(der),
    version: (version?.content.at(-1) ?? 0) + 1,
    issuer: expect(issuer, tag.sequence, WHAT).raw,
    subject: expect(subject, tag.sequence, WHAT).raw,
    publicKeyInfo: expect(publicKeyInfo, tag.sequence, WHAT).raw,
    extensions: extensions === undefined ? new Map() : readExtensions(extensions.content),
  }
}

function openSslCertificate(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der)
  } catch {
    throw new X509Error('the certificate cannot be decoded')
  }
}
