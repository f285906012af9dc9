/** Names of Kubernetes objects that are derived, so that a second try finds what the first one made. */

/** Leaves room for a hyphen and a revision of 19 digits within the 253 characters of a name. */
const longestCertificateName = 233

/** Leaves room for a hyphen and ten digits within the 63 characters of a label. */
const longestBase = 52

/**
 * `<certificate>-<revision>`, the name of a CertificateRequest. Of a Certificate whose name is longer than 233
 * characters the first 168 stay, followed by the SHA-256 of the whole name.
 */
export function requestName(
  certificate: string,
  revision: number,
  sha256Hex: (text: string) => string,
): string {
  return `${withinLength(certificate, longestCertificateName, sha256Hex)}-${revision}`
}

function withinLength(name: string, max: number, sha256Hex: (text: string) => string): string {
  if (name.length <= max) return name
  const hash = sha256Hex(name)
  const prefix = shortenName(name, max - hash.length - 1)
  return prefix === '' ? hash : `${prefix}-${hash}`
}

/**
 * cert-manager's ComputeName, for Orders and Challenges: at most 52 characters of the base, a hyphen, and the decimal
 * FNV-1 hash of the JSON (of goJson, if the name shall equal upstream's).
 */
export function computeName(base: string, json: string): string {
  return `${shortenName(base, longestBase)}-${fnv1_32(json)}`
}

/** The name of the Order of a CertificateRequest; `specJson` is its spec without the request, as Go writes it. */
export function orderName(certificateRequest: string, specJson: string): string {
  // Names that are cut would collide, so the whole name goes into the hash.
  const hashed =
    certificateRequest.length >= longestBase
      ? `{"certificateRequestName":${goJson(certificateRequest)},"spec":${specJson}}`
      : specJson
  return computeName(certificateRequest, hashed)
}

/** JSON as Go's encoding/json writes it: in the order of the keys, with `<`, `>`, `&` and U+2028/9 escaped. */
export function goJson(value: unknown): string {
  const escape = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, escape)
}

/** FNV-1 (not 1a), 32 bits, of the UTF-8 bytes of a text. */
export function fnv1_32(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) hash = (Math.imul(hash, 0x01000193) ^ byte) >>> 0
  return hash
}

/** The first `max` characters without the punctuation at their end, where a name must not end. */
export function shortenName(name: string, max: number): string {
  if (name.length < max) return name
  return name.slice(0, Math.max(0, max)).replace(/[^a-zA-Z0-9]+$/, '')
}

/** Where the TXT record of a dns-01 challenge stands (RFC 8555 8.4), absolute and in lower case. */
export function challengeFqdn(dnsName: string): string {
  const name = dnsName.toLowerCase().replace(/^\*\./, '').replace(/\.$/, '')
  return `_acme-challenge.${name}.`
}
