/**
 * Distinguished names as text (RFC 4514), as spec.literalSubject holds them: "CN=example,OU=web,O=Example Ltd".
 */
export interface LiteralAttribute {
  /** Dotted object identifier. */
  oid: string
  /** Unescaped text; for `#…` the hex digits of the BER encoding with the `#`. */
  value: string
}

/** RDNs in the order of the text, which is the reverse of the order in a certificate. */
export type LiteralSubject = LiteralAttribute[][]

const commonNameOid = '2.5.4.3'

/** Upper case only, like upstream. */
const attributeOids: Readonly<Record<string, string>> = {
  C: '2.5.4.6',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  CN: commonNameOid,
  SERIALNUMBER: '2.5.4.5',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  STREET: '2.5.4.9',
  DC: '0.9.2342.19200300.100.1.25',
  UID: '0.9.2342.19200300.100.1.1',
}

/** The error is a phrase that completes "spec.literalSubject …". */
export function parseLiteralSubject(text: string): { rdns: LiteralSubject } | { error: string } {
  const rdns: LiteralSubject = []
  for (const rdnText of splitUnescaped(text, /[,;]/)) {
    const attributes: LiteralAttribute[] = []
    for (const attributeText of splitUnescaped(rdnText, /\+/)) {
      const attribute = parseAttribute(attributeText)
      if ('error' in attribute) return attribute
      attributes.push(attribute)
    }
    rdns.push(attributes)
  }
  return { rdns }
}

/** The common name that a certificate of this subject has: the last one in its own order; empty if there is none. */
export function commonNameOf(rdns: LiteralSubject): string {
  return rdns.flat().find(({ oid }) => oid === commonNameOid)?.value ?? ''
}

/** True for at least two dot-separated numbers that ASN.1 allows to begin an object identifier. */
export function isObjectIdentifier(text: string): boolean {
  if (!/^[0-2](\.(0|[1-9]\d*))+$/.test(text)) return false
  const [first, second] = text.split('.').map(Number)
  return first === 2 || (second ?? 0) < 40
}

function parseAttribute(text: string): LiteralAttribute | { error: string } {
  const equals = text.indexOf('=')
  if (equals < 1) return { error: `has "${text.trim()}" where an attribute like "CN=example" belongs` }
  const type = text.slice(0, equals).trim()
  const oid = Object.hasOwn(attributeOids, type)
    ? attributeOids[type]
    : isObjectIdentifier(type)
      ? type
      : undefined
  if (oid === undefined) {
    const known = Object.keys(attributeOids).join(', ')
    return { error: `has the unknown attribute "${type}": use ${known} or a dotted object identifier` }
  }
  const value = unescapeValue(text.slice(equals + 1))
  return value === undefined
    ? {
        error: `has a broken escape in the value of ${type}: write "\\," for a comma or two hex digits after "\\"`,
      }
    : { oid, value }
}

function splitUnescaped(text: string, separator: RegExp): string[] {
  const parts = ['']
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index)
    if (separator.test(character)) parts.push('')
    else if (character === '\\') {
      parts[parts.length - 1] += text.slice(index, index + 2)
      index += 1
    } else parts[parts.length - 1] += character
  }
  return parts
}

/** RFC 4514 2.4 backwards; undefined where a backslash escapes nothing or the bytes are no UTF-8. */
function unescapeValue(text: string): string | undefined {
  const trimmed = trimUnescaped(text)
  // encodeURIComponent writes characters as the bytes that "\C3\A4" stands for, so both decode alike.
  const pieces = trimmed.match(/\\[0-9a-fA-F]{2}|\\[ "#+,;<=>\\]|\\|[^\\]+/g) ?? []
  try {
    return decodeURIComponent(pieces.map(percentEncode).join(''))
  } catch {
    return undefined
  }
}

function percentEncode(piece: string): string {
  if (piece === '\\') throw new URIError('a backslash that escapes nothing')
  if (!piece.startsWith('\\')) return encodeURIComponent(piece)
  return piece.length === 3 ? `%${piece.slice(1)}` : encodeURIComponent(piece.slice(1))
}

function trimUnescaped(text: string): string {
  const start = text.trimStart()
  const end = start.trimEnd()
  return end.endsWith('\\') && end.length < start.length ? `${end} ` : end
}
