import { X509Certificate, createPrivateKey, type KeyObject } from 'node:crypto'

/** The certificates of a Secret, leaf first; none where it holds none that can be read. */
export function chainOf(data: Record<string, string>): X509Certificate[] {
  const text = Buffer.from(data['tls.crt'] ?? '', 'base64').toString()
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  try {
    return blocks.map((block) => new X509Certificate(block))
  } catch {
    return []
  }
}

export function keyOf(data: Record<string, string>): KeyObject | undefined {
  try {
    return createPrivateKey(Buffer.from(data['tls.key'] ?? '', 'base64'))
  } catch {
    return undefined
  }
}
