import { attributeTypes, encodeName, type NameAttribute } from './distinguished-name.ts'
import { encodeOid } from './der.ts'
import { X509Error } from './x509-error.ts'

/**
 * DER of `spec.literalSubject` (RFC 4514): the text names the last relative name first, so the order is turned round.
 * Types are the short names that cert-manager knows, or dotted object identifiers.
 * @throws X509Error that names the attribute which cannot be used.
 */
export function literalSubjectDer(text: string): Buffer {
  return encodeName(parseLiteralSubject(text).reverse())
}

function parseLiteralSubject(text: string): NameAttribute[][] {
  const relativeNames: NameAttribute[][] = [[]]
  for (const { part, separator } of splitUnescaped(text)) {
    const equals = part.indexOf('=')
    if (equals === -1)
      throw new X509Error('an attribute lacks "=": write TYPE=value and escape commas with "\\"')
    relativeNames.at(-1)?.push({
      type: attributeType(part.slice(0, equals).trim()),
      value: unescapeValue(part.slice(equals + 1)),
    })
    // Semicolons are LDAPv2's comma; RFC 4514 lets readers accept them, and go-ldap does.
    if (separator === ',' || separator === ';') relativeNames.push([])
  }
  return relativeNames
}

function splitUnescaped(text: string): { part: string; separator: string }[] {
  const parts: { part: string; separator: string }[] = []
  let start = 0
  for (let at = 0; at <= text.length; at++) {
    const char = text[at]
    if (char === '\\') at++
    else if (char === undefined || char === ',' || char === ';' || char === '+') {
      parts.push({ part: text.slice(start, at), separator: char ?? '' })
      start = at + 1
    }
  }
  // A lone backslash at the end carries the loop past the end.
  if (start <= text.length && parts.at(-1)?.separator !== '')
    throw new X509Error('ends in the middle of an escape')
  return parts
}

function attributeType(name: string): string {
  const known = Object.entries(attributeTypes).find(([short]) => short === name.toUpperCase())
  if (known !== undefined) return known[1]
  try {
    encodeOid(name)
    return name
  } catch {
    const names = Object.keys(attributeTypes).join(', ')
    throw new X509Error(`unknown attribute "${name}": use one of ${names} or a dotted object identifier`)
  }
}

/** RFC 4514, 3: `\` before a special character or two hex digits of UTF-8; unescaped spaces at the ends do not count. */
function unescapeValue(raw: string): string {
  const tokens = raw.match(/\\[0-9a-fA-F]{2}|\\[\s\S]?|[^\\]/gu) ?? []
  const first = tokens.findIndex((token) => token !== ' ')
  const last = tokens.findLastIndex((token) => token !== ' ')
  const value = first === -1 ? [] : tokens.slice(first, last + 1)
  if (value[0] === '#') throw new X509Error('values in hex form ("=#") are not supported')
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      Buffer.concat(value.map(tokenBytes)),
    )
  } catch (error) {
    throw error instanceof X509Error ? error : new X509Error('escaped bytes are not UTF-8')
  }
}

function tokenBytes(token: string): Buffer {
  if (token[0] !== '\\') return Buffer.from(token, 'utf8')
  if (token.length === 3) return Buffer.from(token.slice(1), 'hex')
  if (/^\\[ "#+,;<=>\\]$/.test(token)) return Buffer.from(token.slice(1), 'utf8')
  throw new X509Error('"\\" stands before a character that needs no escape')
}
