/**
 * What looks like a private key, whoever it belongs to: found by its form, without knowing it. Pure, so that the same
 * rule holds in workflow code, in activities and on the way into Temporal and logs.
 *
 * Forms: a PEM label that ends in PRIVATE KEY (RFC 7468), also inside base64 and hex; DER of PKCS#8 (RFC 5958), PKCS#1
 * (RFC 8017) and SEC1 (RFC 5915) in base64 and hex; the private members of a JSON Web Key (RFC 7518 6.2.2, 6.3.2,
 * 6.4.1), also inside a quoted JSON text.
 */
export type KeyMaterial =
  'a PEM private key' | 'a private key in base64' | 'a private key in hex' | 'a JSON Web Key'

const CUT = '[secret]'

const pemBlock = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[\s\S]*?(?:-----END [^-]*-----|$)/g
const pemLabel = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY/
// The words "PRIVATE KEY" at the three alignments that base64 of a text around them can have.
const base64Label = /UFJJVkFURSBLRV|BSSVZBVEUgS0VZ|QUklWQVRFIEtFW/
const base64Run = /[A-Za-z0-9+/_-]+={0,2}/g
// DER of a key begins with SEQUENCE (0x30): "M", then four bits of its length. Lines of one block hang together.
const derRun = /(?<![A-Za-z0-9+/_-])M[A-P][A-Za-z0-9+/_-]{30,}(?:(?:\\[nr]|[\r\n])+[A-Za-z0-9+/_-]+)*={0,2}/g
const hexLabel = /50524956415445204b4559/i
const hexDer =
  /30(?:82[0-9a-f]{4}|81[0-9a-f]{2}|[0-7][0-9a-f])0201(?:0030(?:[0-7][0-9a-f])06|000282|00028181|0104)[0-9a-f]{40}/i
const hexRun = /[0-9A-Fa-f]{22,}/g
const jwkKind = /\\*"kty\\*"\s*:/
const jwkMember = /(\\*"(?:d|k|p|q|dp|dq|qi)\\*"\s*:\s*\\*")([A-Za-z0-9_-]{16,})/g
// One look tells almost every text that holds nothing of the kind.
const suspicious =
  /PRIVATE KEY|UFJJVkFURSBLRV|BSSVZBVEUgS0VZ|QUklWQVRFIEtFW|50524956415445204b4559|30(?:8[12])?[0-9a-f]{2,4}0201|(?<![A-Za-z0-9+/_-])M[A-P][A-Za-z0-9+/_-]{30}|"kty/i

/** What the text holds, or undefined. The answer never holds anything of the text. */
export function findKeyMaterial(text: string): KeyMaterial | undefined {
  if (!suspicious.test(text)) return undefined
  if (pemLabel.test(text)) return 'a PEM private key'
  if (base64Label.test(text)) return 'a private key in base64'
  for (const [run] of text.matchAll(derRun)) if (isPrivateKeyDer(head(run))) return 'a private key in base64'
  if (hexLabel.test(text) || hexDer.test(text)) return 'a private key in hex'
  if (jwkKind.test(text) && text.search(jwkMember) >= 0) return 'a JSON Web Key'
  return undefined
}

/** The text with everything that `findKeyMaterial` finds replaced by "[secret]"; the same text where it finds nothing. */
export function cutKeyMaterial(text: string): string {
  if (findKeyMaterial(text) === undefined) return text
  return text
    .replace(pemBlock, CUT)
    .replace(derRun, (run) => (isPrivateKeyDer(head(run)) ? CUT : run))
    .replace(base64Run, (run) => (base64Label.test(run) ? CUT : run))
    .replace(hexRun, (run) => (hexLabel.test(run) || hexDer.test(run) ? CUT : run))
    .replace(jwkMember, (member, before: string) => (jwkKind.test(text) ? before + CUT : member))
}

/** The first bytes of a base64 or base64url text: enough to tell what a DER structure is. */
function head(base64: string): number[] {
  const bytes: number[] = []
  for (let at = 0; at + 4 <= Math.min(base64.length, 32); at += 4) {
    const [a, b, c, d] = [0, 1, 2, 3].map((offset) => digit(base64.charCodeAt(at + offset)))
    if (a === undefined || b === undefined || c === undefined || d === undefined) break
    const word = (a << 18) | (b << 12) | (c << 6) | d
    bytes.push(word >> 16, (word >> 8) & 0xff, word & 0xff)
  }
  return bytes
}

function digit(code: number): number | undefined {
  if (code >= 65 && code <= 90) return code - 65
  if (code >= 97 && code <= 122) return code - 71
  if (code >= 48 && code <= 57) return code + 4
  if (code === 43 || code === 45) return 62
  if (code === 47 || code === 95) return 63
  return undefined
}

/** SEQUENCE { INTEGER version, … } as only private keys have it: certificates and requests go on with a SEQUENCE. */
function isPrivateKeyDer(bytes: number[]): boolean {
  const length = bytes[1] ?? 0
  const at = length < 0x80 ? 2 : 2 + (length & 0x7f)
  const [tag, size, version, next, following = 0, afterLength] = bytes.slice(at, at + 6)
  if (bytes[0] !== 0x30 || tag !== 0x02 || size !== 0x01) return false
  // PKCS#8: an AlgorithmIdentifier, itself a SEQUENCE that begins with an OBJECT IDENTIFIER.
  if (next === 0x30) return (version === 0 || version === 1) && afterLength === 0x06
  // PKCS#1: the modulus, at least 512 bits.
  if (version === 0 && next === 0x02) return following === 0x40 || following === 0x41 || following >= 0x81
  // SEC1: the scalar, at least 20 bytes.
  return version === 1 && next === 0x04 && following >= 20
}
