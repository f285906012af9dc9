import { X509Certificate } from 'node:crypto'
import { CertloomError } from '../../failure.ts'

const MAX_CERTIFICATES = 20
const BEGIN = '-----BEGIN '

/** A chain as the CA serves it, leaf first. */
export interface Chain {
  /** The certificates only, each parsed once and written anew, newline at the end. */
  pem: string
  /** Common names of the issuer of the topmost certificate. */
  topIssuers: readonly string[]
}

/** Reads application/pem-certificate-chain (RFC 8555 9.1): certificates and nothing else. */
export function readChain(body: Buffer): Chain {
  const certificates = certificateBlocks(body.toString('latin1')).map((pem, index) => {
    try {
      return new X509Certificate(pem)
    } catch (cause) {
      throw refused(`number ${index + 1} is not an X.509 certificate`, cause)
    }
  })
  const top = certificates.at(-1)
  if (top === undefined) throw refused('no PEM certificate in it')
  return {
    pem: certificates.map((certificate) => certificate.toString().trimEnd() + '\n').join(''),
    topIssuers: issuerNames(top),
  }
}

// No regular expression: one over a megabyte of unfinished blocks would take minutes.
function certificateBlocks(text: string): string[] {
  const blocks: string[] = []
  for (let start = text.indexOf(BEGIN); start !== -1;) {
    // A CA that sends a private key along is up to something; RFC 8555 9.1 asks clients to look.
    if (!text.startsWith('CERTIFICATE-----', start + BEGIN.length))
      throw refused('a PEM block other than CERTIFICATE')
    const end = text.indexOf('-----END CERTIFICATE-----', start)
    if (end === -1) throw refused('a PEM block without an end')
    const next = text.indexOf(BEGIN, end)
    blocks.push(text.slice(start, end) + '-----END CERTIFICATE-----\n')
    if (blocks.length > MAX_CERTIFICATES) throw refused(`more than ${MAX_CERTIFICATES} certificates`)
    start = next
  }
  return blocks
}

function issuerNames(certificate: X509Certificate): string[] {
  // The types promise one text; Node gives an array where the name has several CN attributes.
  const names: unknown = certificate.toLegacyObject().issuer?.CN
  return (Array.isArray(names) ? names : [names]).filter((name) => typeof name === 'string')
}

function refused(why: string, cause?: unknown): CertloomError {
  return new CertloomError('CertificateInvalid', `certificate chain: ${why}`, { cause })
}
