import type { KeyObject } from 'node:crypto'
import type { DesiredCertificate } from '../../../workflows/domain/desired.ts'
import type { RequestFacts } from '../../../workflows/domain/x509-facts.ts'
import { CertloomError } from '../../failure.ts'
import { encodeAlternativeNames } from './alternative-names.ts'
import { encodeSubject, subjectFacts } from './distinguished-name.ts'
import { basicConstraintsOf, extensionIds, nameFacts, usagesOf } from './extensions.ts'
import { publicKeySha256 } from './keys.ts'
import { literalSubjectDer } from './literal-subject.ts'
import { encodeNameConstraints } from './name-constraints.ts'
import { Extension, Name, Pkcs10CertificateRequestGenerator } from './peculiar.ts'
import { writePem } from './pem.ts'
import { readRequest } from './read-request.ts'
import { signatureHash, webCryptoKeys } from './signatures.ts'
import { encodeExtendedUsages, encodeKeyUsage, usageNames, usageSet } from './usages.ts'
import { X509Error } from './x509-error.ts'

/** SEQUENCE without elements. */
export const EMPTY_NAME = '3000'

/**
 * The CSR (PKCS#10, PEM) that cert-manager would make for this spec and key.
 * @throws CertloomError InvalidSpec that names the field, NoNames where nothing is asked for.
 */
export async function createRequest(desired: DesiredCertificate, key: KeyObject): Promise<string> {
  const { subject, extensions, hash } = specified(() => ({
    ...requestContent(desired),
    hash: signatureHash(key, desired.signatureAlgorithm),
  }))
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: new Name(subject),
    extensions,
    ...webCryptoKeys(key, hash),
  })
  return writePem('CERTIFICATE REQUEST', Buffer.from(request.rawData))
}

/** Turns what is wrong with a field into a failure of the object. */
function specified<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (error instanceof X509Error) throw new CertloomError('InvalidSpec', `spec.${error.message}`)
    throw error
  }
}

function requestContent(desired: DesiredCertificate): { subject: Buffer; extensions: Extension[] } {
  const subject = desiredSubject(desired)
  const subjectEmpty = subject.toString('hex') === EMPTY_NAME
  const alternativeNames = encodeAlternativeNames({
    dnsNames: desired.dnsNames ?? [],
    ipAddresses: desired.ipAddresses ?? [],
    uris: desired.uris ?? [],
    emailAddresses: desired.emailAddresses ?? [],
    otherNames: (desired.otherNames ?? []).map(({ oid = '', utf8Value = '' }) => ({ oid, utf8Value })),
  })
  if (alternativeNames === undefined && subjectFacts(subject).commonName === '')
    throw new CertloomError('NoNames', '')
  const extensions: Extension[] = []
  if (alternativeNames !== undefined) {
    // RFC 5280, 4.2.1.6: critical when the subject is empty.
    extensions.push(new Extension(extensionIds.subjectAlternativeName, subjectEmpty, alternativeNames))
  }
  const usages = usageSet(desired.usages, desired.isCA ?? false)
  if (desired.encodeUsagesInRequest !== false) {
    extensions.push(new Extension(extensionIds.keyUsage, true, encodeKeyUsage(usages.keyUsageBits)))
    if (usages.extended.length > 0) {
      extensions.push(
        new Extension(extensionIds.extendedKeyUsage, false, encodeExtendedUsages(usages.extended)),
      )
    }
  }
  const constraints = desired.nameConstraints
  const constraintsValue = constraints && encodeNameConstraints(constraints)
  if (constraintsValue !== undefined) {
    extensions.push(
      new Extension(extensionIds.nameConstraints, constraints?.critical ?? false, constraintsValue),
    )
  }
  return { subject, extensions }
}

function desiredSubject(desired: DesiredCertificate): Buffer {
  const literal = desired.literalSubject
  if (literal === undefined || literal === '')
    return encodeSubject(desired.subject ?? {}, desired.commonName ?? '')
  if (desired.commonName || Object.keys(desired.subject ?? {}).length > 0) {
    throw new X509Error('literalSubject: cannot be combined with commonName or subject')
  }
  try {
    return literalSubjectDer(literal)
  } catch (error) {
    throw error instanceof X509Error ? new X509Error(`literalSubject: ${error.message}`) : error
  }
}

/** Facts of a CSR, PEM or DER. @throws X509Error when it cannot be read. */
export function parseRequest(request: string | Buffer): RequestFacts {
  const parts = readRequest(request)
  const usages = usagesOf(parts.extensions)
  return {
    ...nameFacts(parts.subject, parts.extensions),
    publicKeySha256: publicKeySha256(parts.publicKeyInfo),
    isCA: basicConstraintsOf(parts.extensions)?.isCA ?? false,
    ...(usages === undefined ? {} : { usages: usageNames(usages) }),
    signatureValid: parts.signatureValid,
  }
}
