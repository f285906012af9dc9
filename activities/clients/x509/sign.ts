import { createHash, randomBytes, type KeyObject } from 'node:crypto'
import { CertloomError } from '../../failure.ts'
import { pathOf, publishedForm } from './chain.ts'
import { decodeBitString, expect, readElements, readOnly, tag } from './der.ts'
import { basicConstraintsOf, extensionIds, usagesOf } from './extensions.ts'
import { readIssuerPair, type IssuerPair } from './issuer-pair.ts'
import { publicKeySha256 } from './keys.ts'
import { decodeNameConstraints } from './name-constraints.ts'
import {
  AuthorityInfoAccessExtension,
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  CRLDistributionPointsExtension,
  Extension,
  Name,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from './peculiar.ts'
import { writePem } from './pem.ts'
import { readFirstCertificate, type ReadCertificate } from './read-certificate.ts'
import { readRequest, type RequestParts } from './read-request.ts'
import { signatureHash, webCryptoKeys } from './signatures.ts'
import {
  encodeExtendedUsages,
  encodeKeyUsage,
  sameUsages,
  usageNames,
  usageSet,
  type UsageSet,
} from './usages.ts'
import { X509Error } from './x509-error.ts'

/** What a CA or selfSigned issuer signs: the CSR, and what the CertificateRequest and the Issuer say beside it. */
export interface SigningOrder {
  csrPem: string | Buffer
  /** For selfSigned, `key` is the private key of the request itself. */
  issuer: ({ kind: 'ca' } & IssuerPair) | { kind: 'selfSigned'; key: KeyObject }
  durationSeconds: number
  isCA: boolean
  /** `spec.usages` of the CertificateRequest; empty means the default. */
  usages?: readonly string[]
  crlDistributionPoints?: string[]
  ocspServers?: string[]
  issuingCertificateURLs?: string[]
  /** notBefore, in whole seconds; notAfter follows by the duration, even beyond the CA's own end, as upstream. */
  now: Date
  /** Hex; 16 random bytes unless given. */
  serial?: string
}

export interface SignedCertificate {
  certificatePem: string
  /** `tls.crt`: the certificate and the CA's chain without the root. */
  chainPem: string
  /** `ca.crt`: the highest certificate that is known. */
  caPem: string
}

/**
 * Signs a request with the template that cert-manager makes of it.
 * @throws CertloomError SecretInvalid for the issuer's pair, SigningFailed for the request.
 */
export async function signRequest(order: SigningOrder): Promise<SignedCertificate> {
  const { issuer } = order
  const chain = issuer.kind === 'ca' ? readIssuerPair(issuer, order.now) : []
  const request = requestIn(order.csrPem)
  const usages = agreedUsages(order, request)
  if (
    issuer.kind === 'selfSigned' &&
    publicKeySha256(issuer.key) !== publicKeySha256(request.publicKeyInfo)
  ) {
    throw failed('the private key is not the key of the request')
  }
  const certificatePem = await create(order, request, usages, chain[0])
  if (issuer.kind === 'selfSigned') return { certificatePem, chainPem: certificatePem, caPem: certificatePem }
  const { chainPem, caPem } = publishedForm(pathOf([readFirstCertificate(certificatePem), ...chain]))
  return { certificatePem, chainPem, caPem: caPem ?? certificatePem }
}

function requestIn(csrPem: string | Buffer): RequestParts {
  try {
    const request = readRequest(csrPem)
    if (!request.signatureValid) throw new X509Error('the signature of the certificate request is not valid')
    const constraints = request.extensions.get(extensionIds.nameConstraints)
    if (constraints !== undefined) decodeNameConstraints(constraints.value)
    return request
  } catch (error) {
    throw error instanceof X509Error ? failed(error.message) : error
  }
}

/** The order decides; where the CSR speaks of usages or of being a CA, it must say the same. */
function agreedUsages(order: SigningOrder, request: RequestParts): UsageSet {
  try {
    const usages = usageSet(order.usages, order.isCA)
    const encoded = usagesOf(request.extensions)
    if (encoded !== undefined && !sameUsages(encoded, usages)) {
      const [asked, told] = [usageNames(encoded).join(', '), usageNames(usages).join(', ')]
      throw new X509Error(`the CSR asks for the usages ${asked}, the CertificateRequest for ${told}`)
    }
    const constraints = basicConstraintsOf(request.extensions)
    if (constraints !== undefined && constraints.isCA !== order.isCA) {
      throw new X509Error(`the CSR says isCA ${constraints.isCA}, the CertificateRequest ${order.isCA}`)
    }
    return usages
  } catch (error) {
    throw error instanceof X509Error ? failed(error.message) : error
  }
}

async function create(
  order: SigningOrder,
  request: RequestParts,
  usages: UsageSet,
  ca: ReadCertificate | undefined,
) {
  const notBefore = new Date(Math.floor(order.now.getTime() / 1000) * 1000)
  const issuerName = ca?.subject ?? request.subject
  const { keys, signingAlgorithm } = webCryptoKeys(order.issuer.key, signatureHash(order.issuer.key))
  const certificate = await X509CertificateGenerator.create({
    serialNumber: order.serial ?? randomSerial(),
    subject: nameOf(request.subject),
    issuer: nameOf(issuerName),
    notBefore,
    notAfter: new Date(notBefore.getTime() + order.durationSeconds * 1000),
    publicKey: request.publicKeyInfo,
    extensions: extensionsOf(order, request, usages, ca),
    signingKey: keys.privateKey,
    signingAlgorithm,
  })
  const pem = writePem('CERTIFICATE', Buffer.from(certificate.rawData))
  const made = readFirstCertificate(pem)
  // Chains are linked by the bytes of names, and the library writes names anew instead of copying them.
  if (!made.issuer.equals(issuerName) || !made.subject.equals(request.subject)) {
    throw failed('a name of the request or of the CA has an encoding that cannot be copied exactly')
  }
  return pem
}

function nameOf(der: Buffer): Name {
  try {
    return new Name(der)
  } catch {
    throw failed('a name of the request or of the CA cannot be decoded')
  }
}

function extensionsOf(
  order: SigningOrder,
  request: RequestParts,
  usages: UsageSet,
  ca: ReadCertificate | undefined,
): Extension[] {
  const extensions: Extension[] = [new BasicConstraintsExtension(order.isCA, undefined, true)]
  if (usages.keyUsageBits !== 0) {
    extensions.push(new Extension(extensionIds.keyUsage, true, encodeKeyUsage(usages.keyUsageBits)))
  }
  if (usages.extended.length > 0) {
    extensions.push(
      new Extension(extensionIds.extendedKeyUsage, false, encodeExtendedUsages(usages.extended)),
    )
  }
  extensions.push(new SubjectKeyIdentifierExtension(keyIdentifier(request.publicKeyInfo)))
  if (ca !== undefined) extensions.push(new AuthorityKeyIdentifierExtension(authorityKeyIdentifier(ca)))
  const names = request.extensions.get(extensionIds.subjectAlternativeName)
  if (names !== undefined) {
    const subjectEmpty = readOnly(request.subject, tag.sequence, 'name').content.length === 0
    extensions.push(new Extension(extensionIds.subjectAlternativeName, subjectEmpty, names.value))
  }
  const constraints = request.extensions.get(extensionIds.nameConstraints)
  if (constraints !== undefined) {
    extensions.push(new Extension(extensionIds.nameConstraints, constraints.critical, constraints.value))
  }
  return [...extensions, ...locations(order)]
}

function locations(order: SigningOrder): Extension[] {
  const { crlDistributionPoints = [], ocspServers = [], issuingCertificateURLs = [] } = order
  const extensions: Extension[] = []
  if (crlDistributionPoints.length > 0)
    extensions.push(new CRLDistributionPointsExtension(crlDistributionPoints))
  if (ocspServers.length + issuingCertificateURLs.length > 0) {
    extensions.push(
      new AuthorityInfoAccessExtension({ ocsp: ocspServers, caIssuers: issuingCertificateURLs }),
    )
  }
  return extensions
}

/** RFC 7093, 2 (1): the first 160 bits of the SHA-256 of the public key's bits, in hex. */
function keyIdentifier(publicKeyInfo: Buffer): string {
  const [, bits] = readElements(readOnly(publicKeyInfo, tag.sequence, 'public key').content)
  const key = decodeBitString(expect(bits, tag.bitString, 'public key').content)
  return createHash('sha256').update(key).digest('hex').slice(0, 40)
}

function authorityKeyIdentifier(ca: ReadCertificate): string {
  const own = ca.extensions.get(extensionIds.subjectKeyIdentifier)
  if (own === undefined) return keyIdentifier(ca.publicKeyInfo)
  return readOnly(own.value, tag.octetString, 'subject key identifier').content.toString('hex')
}

/** Positive and never zero (RFC 5280, 4.1.2.2): the highest bit is off, the one below it on. */
function randomSerial(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes.toString('hex')
}

function failed(message: string): CertloomError {
  return new CertloomError('SigningFailed', message)
}
