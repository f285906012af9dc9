import { createPublicKey } from 'node:crypto'
import { contextTag, decodeBitString, decodeOid, expect, readElements, readOnly, tag } from './der.ts'
import { readExtensions, type Extensions } from './extensions.ts'
import { readPem } from './pem.ts'
import { signatureFits } from './signatures.ts'
import { X509Error } from './x509-error.ts'

/** The parts of a CSR (RFC 2986), each as it stands in the document. */
export interface RequestParts {
  /** Name, DER. */
  subject: Buffer
  /** SubjectPublicKeyInfo, DER. */
  publicKeyInfo: Buffer
  extensions: Extensions
  signatureValid: boolean
}

const EXTENSION_REQUEST = '1.2.840.113549.1.9.14'
const WHAT = 'certificate request'

/** DER of the first CSR of a PEM text. @throws X509Error when there is none. */
export function requestDer(pem: string | Buffer): Buffer {
  const block = readPem(pem).find(({ label }) => /^(NEW )?CERTIFICATE REQUEST$/.test(label))
  if (block === undefined) throw new X509Error('no certificate request in PEM form found')
  return block.der
}

/** @throws X509Error when the request or its key cannot be read. */
export function readRequest(request: string | Buffer): RequestParts {
  const isDer = Buffer.isBuffer(request) && request[0] === tag.sequence
  const der = isDer ? request : requestDer(request)
  const [info, algorithm, signature] = readElements(readOnly(der, tag.sequence, WHAT).content)
  const signed = expect(info, tag.sequence, WHAT)
  const [version, subject, publicKeyInfo, attributes] = readElements(signed.content)
  expect(version, tag.integer, WHAT)
  const spki = expect(publicKeyInfo, tag.sequence, WHAT).raw
  return {
    subject: expect(subject, tag.sequence, WHAT).raw,
    publicKeyInfo: spki,
    extensions: requestedExtensions(
      attributes?.tag === contextTag(0, true) ? attributes.content : Buffer.alloc(0),
    ),
    signatureValid: signatureFits(
      expect(algorithm, tag.sequence, WHAT).raw,
      signed.raw,
      readPublicKey(spki),
      decodeBitString(expect(signature, tag.bitString, WHAT).content),
    ),
  }
}

function readPublicKey(spki: Buffer) {
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' })
  } catch {
    throw new X509Error(`${WHAT}: the public key cannot be decoded`)
  }
}

function requestedExtensions(attributes: Buffer): Extensions {
  for (const attribute of readElements(attributes)) {
    const [type, values] = readElements(expect(attribute, tag.sequence, WHAT).content)
    if (decodeOid(expect(type, tag.oid, WHAT).content) !== EXTENSION_REQUEST) continue
    const [extensions] = readElements(expect(values, tag.set, WHAT).content)
    return readExtensions(expect(extensions, tag.sequence, WHAT).raw)
  }
  return new Map()
}
