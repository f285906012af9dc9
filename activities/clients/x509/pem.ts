import { X509Error } from './x509-error.ts'

/** Above this size, in bytes, nothing is decoded: upstream's limit for a bundle. */
export const MAX_PEM_BYTES = 330_000

export interface PemBlock {
  /** The words between BEGIN and the dashes, such as `CERTIFICATE`. */
  label: string
  der: Buffer
  /** True where the block has RFC 1421 headers, which in practice says that a key is encrypted. */
  headers: boolean
}

const BEGIN = '-----BEGIN '
const DASHES = '-----'

/**
 * The PEM blocks of a text (RFC 7468) in their order; text between the blocks is skipped. Runs in linear time on
 * hostile input.
 */
export function readPem(input: string | Buffer, maxBytes = MAX_PEM_BYTES): PemBlock[] {
  const text = typeof input === 'string' ? input : input.toString('latin1')
  if (text.length > maxBytes) throw new X509Error(`PEM is larger than ${maxBytes} bytes`)
  const blocks: PemBlock[] = []
  for (let at = text.indexOf(BEGIN); at !== -1; at = text.indexOf(BEGIN, at)) {
    const labelEnd = text.indexOf(DASHES, at + BEGIN.length)
    if (labelEnd === -1) throw new X509Error('PEM: a BEGIN line is not complete')
    const label = text.slice(at + BEGIN.length, labelEnd)
    if (!/^[A-Z0-9 ]{1,64}$/.test(label)) throw new X509Error('PEM: a BEGIN line is not complete')
    const bodyStart = labelEnd + DASHES.length
    const bodyEnd = text.indexOf(DASHES, bodyStart)
    const end = `-----END ${label}-----`
    if (bodyEnd === -1 || !text.startsWith(end, bodyEnd)) throw new X509Error(`PEM: ${label} has no END line`)
    blocks.push(decodeBlock(label, text.slice(bodyStart, bodyEnd)))
    at = bodyEnd + end.length
  }
  return blocks
}

function decodeBlock(label: string, body: string): PemBlock {
  const headers = body.includes(':')
  const base64 = (headers ? body.replace(/^[\s\S]*?\r?\n\r?\n/, '') : body).replace(/\s+/g, '')
  if (base64 === '' || base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
    throw new X509Error(`PEM: ${label} is not valid base64`)
  }
  return { label, der: Buffer.from(base64, 'base64'), headers }
}

export function writePem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
