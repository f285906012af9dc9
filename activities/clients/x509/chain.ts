import { basicConstraintsOf } from './extensions.ts'
import { certificatePem, readCertificates, type ReadCertificate } from './read-certificate.ts'
import { X509Error } from './x509-error.ts'

const MAX_CERTIFICATES = 100

/** A chain as it is published: `tls.crt` and `ca.crt` of the Secret. */
export interface OrderedChain {
  /** Leaf, then intermediates, without a self-signed root; a lone self-signed certificate stays. */
  chainPem: string
  /** The root, or where it is missing the highest of several certificates; absent for a lone certificate. */
  caPem?: string
}

/**
 * Puts the certificates of one chain, given in any order and perhaps twice, into the order of TLS.
 * @throws X509Error when they are not exactly one unbroken chain.
 */
export function orderChain(pem: string | Buffer): OrderedChain {
  return publishedForm(pathOf(readCertificates(pem)))
}

export function publishedForm(path: ReadCertificate[]): OrderedChain {
  const top = path.at(-1)
  if (top === undefined) throw new X509Error('the chain is empty')
  const rooted = issued(top, top)
  const chain = rooted && path.length > 1 ? path.slice(0, -1) : path
  const chainPem = chain.map(certificatePem).join('')
  return rooted || path.length > 1 ? { chainPem, caPem: certificatePem(top) } : { chainPem }
}

/** The one path through all certificates, leaf first. @throws X509Error when there is none. */
export function pathOf(certificates: ReadCertificate[]): ReadCertificate[] {
  if (certificates.length > MAX_CERTIFICATES)
    throw new X509Error(`a chain has at most ${MAX_CERTIFICATES} certificates`)
  const unique = [...new Map(certificates.map((one) => [one.x509.fingerprint256, one])).values()]
  const leaves = unique.filter((one) => !unique.some((other) => other !== one && issued(one, other)))
  const [leaf] = leaves
  if (leaf === undefined || leaves.length > 1)
    throw new X509Error('the certificates are not one unbroken chain')
  const path = [leaf]
  const remaining = new Set(unique)
  remaining.delete(leaf)
  while (remaining.size > 0) {
    const next = [...remaining].find((one) => issued(one, path.at(-1) ?? leaf))
    if (next === undefined) throw new X509Error('the certificates are not one unbroken chain')
    path.push(next)
    remaining.delete(next)
  }
  return path
}

/** Whether `issuer` is a CA that signed `subject`: names, CA flag, key usage and signature. */
export function issued(issuer: ReadCertificate, subject: ReadCertificate): boolean {
  if (!issuer.subject.equals(subject.issuer)) return false
  // Version 1 has no extensions; old roots are such.
  const isCA = issuer.version < 3 || basicConstraintsOf(issuer.extensions)?.isCA === true
  return isCA && subject.x509.checkIssued(issuer.x509) && subject.x509.verify(issuer.x509.publicKey)
}
