import type { RequestFacts } from '../../../workflows/domain/x509-facts.ts'
import { CertloomError } from '../../failure.ts'
import { issued } from './chain.ts'
import { certificateFacts } from './certificate.ts'
import { readCertificates, type ReadCertificate } from './read-certificate.ts'
import { parseRequest } from './request.ts'
import { X509Error } from './x509-error.ts'

/** How far the clock of a CA may be ahead of ours, in milliseconds. */
const MAX_AHEAD_MS = 60 * 60 * 1000

export interface IssuedCertificate {
  /** The answer of the issuer: leaf first, each certificate followed by its issuer; a root may end it. */
  chainPem: string | Buffer
  request: Pick<RequestFacts, 'publicKeySha256' | 'dnsNames' | 'ipAddresses'> | { csrPem: string | Buffer }
  now: Date
  /**
   * False holds an external issuer to no more than cert-manager does: a readable certificate of the right key that has
   * not expired. Default true.
   */
  strict?: boolean
}

/**
 * Holds the answer of an issuer against the request before anything is published: key, names, dates, chain.
 * @throws CertloomError CertificateInvalid that says what does not fit; X509Error when it is the CSR that cannot be read.
 */
export function verifyIssued({ chainPem, request, now, strict = true }: IssuedCertificate): void {
  const chain = readIssued(chainPem)
  const wanted = 'csrPem' in request ? parseRequest(request.csrPem) : request
  const [leaf] = chain
  if (leaf === undefined) throw invalid('no certificate in the answer')
  const facts = certificateFacts(leaf)
  if (facts.publicKeySha256 !== wanted.publicKeySha256)
    throw invalid('the certificate has another key than the request')
  if (leaf.x509.validToDate <= now) throw invalid(`the certificate expired at ${facts.notAfter}`)
  if (!strict) return
  if (leaf.x509.validFromDate.getTime() > now.getTime() + MAX_AHEAD_MS) {
    throw invalid(`the certificate is not valid before ${facts.notBefore}`)
  }
  const missing = missingName(wanted, facts)
  if (missing !== undefined) throw invalid(`the certificate lacks the requested name ${missing}`)
  verifyLinks(chain, now)
}

function missingName(
  wanted: { dnsNames: string[]; ipAddresses: string[] },
  facts: { dnsNames: string[]; ipAddresses: string[] },
): string | undefined {
  const present = new Set([...facts.dnsNames.map((name) => name.toLowerCase()), ...facts.ipAddresses])
  return [...wanted.dnsNames, ...wanted.ipAddresses].find((name) => !present.has(name.toLowerCase()))
}

function verifyLinks(chain: ReadCertificate[], now: Date): void {
  chain.slice(1).forEach((issuer, i) => {
    const subject = chain[i]
    if (subject !== undefined && !issued(issuer, subject)) {
      throw invalid(`certificate ${i + 2} of the chain did not issue certificate ${i + 1}`)
    }
    if (issuer.x509.validToDate <= now) throw invalid(`certificate ${i + 2} of the chain has expired`)
  })
}

function readIssued(pem: string | Buffer): ReadCertificate[] {
  try {
    return readCertificates(pem)
  } catch (error) {
    throw error instanceof X509Error ? invalid(error.message) : error
  }
}

function invalid(message: string): CertloomError {
  return new CertloomError('CertificateInvalid', message)
}
