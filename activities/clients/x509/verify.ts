import { isIP } from 'node:net'
import type { CertificateFacts } from '../../../workflows/domain/x509-facts.ts'
import { CertloomError } from '../../failure.ts'
import { decodeAlternativeNames } from './alternative-names.ts'
import { certificateFacts } from './certificate.ts'
import { issued } from './chain.ts'
import { basicConstraintsOf, extensionIds } from './extensions.ts'
import { decodeNameConstraints, forbiddenName } from './name-constraints.ts'
import { readCertificates, readFirstCertificate, type ReadCertificate } from './read-certificate.ts'
import { X509Error } from './x509-error.ts'

/** Deeper paths do not occur, and a limit ends the search among hostile certificates. */
const MAX_DEPTH = 10

export interface PathQuestion {
  leafPem: string | Buffer
  /** May be empty. */
  intermediatesPem?: string | Buffer
  /** Trust anchors: any certificate given here is trusted, self-signed or not. */
  rootsPem: string | Buffer
  /** DNS names (without wildcard) and IP addresses that the leaf must be good for. */
  names?: string[]
  now: Date
}

/**
 * Validates a certification path (RFC 5280, 6): signatures, dates, CA flags, path lengths, name constraints, unknown
 * critical extensions, and the names asked for. Revocation and policies are not looked at.
 * @returns the path, leaf first, trust anchor last.
 * @throws CertloomError CertificateInvalid that says what does not hold.
 */
export function verifyChain(question: PathQuestion): CertificateFacts[] {
  try {
    const leaf = readFirstCertificate(question.leafPem)
    const intermediates = hasContent(question.intermediatesPem)
      ? readCertificates(question.intermediatesPem)
      : []
    const path = findPath([leaf], intermediates, readCertificates(question.rootsPem))
    if (path === undefined) throw new X509Error('no path leads from the certificate to a trusted root')
    path.forEach((certificate, depth) => checkElement(certificate, depth, path, question.now))
    for (const name of question.names ?? []) {
      if (!goodFor(leaf, name)) throw new X509Error(`the certificate is not good for the name ${name}`)
    }
    return path.map(certificateFacts)
  } catch (error) {
    throw error instanceof X509Error ? new CertloomError('CertificateInvalid', error.message) : error
  }
}

function hasContent(pem: string | Buffer | undefined): pem is string | Buffer {
  return pem !== undefined && pem.toString().trim() !== ''
}

function findPath(
  path: ReadCertificate[],
  intermediates: ReadCertificate[],
  roots: ReadCertificate[],
): ReadCertificate[] | undefined {
  const last = path.at(-1)
  if (last === undefined || path.length > MAX_DEPTH) return undefined
  const same = (a: ReadCertificate, b: ReadCertificate) => a.x509.fingerprint256 === b.x509.fingerprint256
  if (roots.some((root) => same(root, last))) return path
  const root = roots.find((candidate) => issued(candidate, last))
  if (root !== undefined) return [...path, root]
  for (const next of intermediates) {
    if (path.some((one) => same(one, next)) || !issued(next, last)) continue
    const found = findPath([...path, next], intermediates, roots)
    if (found !== undefined) return found
  }
  return undefined
}

/** Extensions whose meaning is looked at here, or has none for a path. */
const understood = new Set<string>([
  extensionIds.keyUsage,
  extensionIds.extendedKeyUsage,
  extensionIds.basicConstraints,
  extensionIds.subjectAlternativeName,
  extensionIds.nameConstraints,
])

function checkElement(certificate: ReadCertificate, depth: number, path: ReadCertificate[], now: Date): void {
  const { x509, extensions } = certificate
  const which = `certificate ${depth + 1} of the path`
  if (x509.validFromDate > now)
    throw new X509Error(`${which} is not valid before ${x509.validFromDate.toISOString()}`)
  if (x509.validToDate < now) throw new X509Error(`${which} expired at ${x509.validToDate.toISOString()}`)
  const unknown = [...extensions].find(([oid, { critical }]) => critical && !understood.has(oid))
  if (unknown !== undefined) throw new X509Error(`${which} has the unknown critical extension ${unknown[0]}`)
  const limit = basicConstraintsOf(extensions)?.pathLength
  if (limit !== undefined && depth - 1 > limit)
    throw new X509Error(`${which} allows a path of ${limit} CAs below it`)
  const constraints = extensions.get(extensionIds.nameConstraints)
  if (constraints === undefined) return
  for (const below of path.slice(0, depth)) {
    const names = below.extensions.get(extensionIds.subjectAlternativeName)
    const forbidden =
      names && forbiddenName(decodeNameConstraints(constraints.value), decodeAlternativeNames(names.value))
    if (forbidden !== undefined) throw new X509Error(`${which} does not permit the name ${forbidden}`)
  }
}

/** RFC 6125: the SAN alone decides, a wildcard stands for exactly one whole label. */
function goodFor(leaf: ReadCertificate, name: string): boolean {
  if (isIP(name) !== 0) return leaf.x509.checkIP(name) !== undefined
  return leaf.x509.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined
}
