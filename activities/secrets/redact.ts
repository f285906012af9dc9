import { cutKeyMaterial, findKeyMaterial } from '../../workflows/domain/key-material.ts'
import { knownSecrets, type KnownSecrets } from './known-secrets.ts'

const CUT = '[secret]'

/** What of a secret nature the text holds, in words that give nothing of it away; undefined where there is nothing. */
export function findSecret(text: Buffer, known: KnownSecrets = knownSecrets): string | undefined {
  return (
    findKeyMaterial(text.toString('latin1')) ??
    (known.isIn(text) ? 'a secret that this process has read' : undefined)
  )
}

/** The text without key material and known secrets; each is replaced, with the word around it, by "[secret]". */
export function redactText(text: string, known: KnownSecrets = knownSecrets): string {
  const cut = cutKeyMaterial(text)
  const bytes = Buffer.from(cut)
  const places = known.placesIn(bytes)
  if (places.length === 0) return cut
  const parts: string[] = []
  let from = 0
  for (const { start, end } of places) {
    if (end <= from) continue
    const [first, last] = [wordStart(bytes, Math.max(start, from), from), wordEnd(bytes, end)]
    if (first > from || parts.length === 0) parts.push(bytes.subarray(from, first).toString(), CUT)
    from = last
  }
  parts.push(bytes.subarray(from).toString())
  return parts.join('')
}

/**
 * A JSON text without key material and known secrets, still JSON and of the same shape. Where nothing is found, the very
 * same text. Text that is no JSON is redacted as text.
 */
export function redactJson(text: string, known: KnownSecrets = knownSecrets): string {
  if (findSecret(Buffer.from(text), known) === undefined) return text
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return redactText(text, known)
  }
  const end = /\s*$/.exec(text)?.[0] ?? ''
  const redacted = JSON.stringify(redactValue(value, known))
  // A secret that is no single string, such as an object whose members give it away together.
  return findSecret(Buffer.from(redacted), known) === undefined ? redacted + end : JSON.stringify(CUT) + end
}

function redactValue(value: unknown, known: KnownSecrets): unknown {
  if (typeof value === 'string') return redactText(value, known)
  if (Array.isArray(value)) return value.map((one) => redactValue(one, known))
  if (typeof value !== 'object' || value === null) return value
  const isKey = Object.hasOwn(value, 'kty')
  const entries = Object.entries(value).map(([name, one]) => {
    const isPrivate = isKey && ['d', 'k', 'p', 'q', 'dp', 'dq', 'qi'].includes(name)
    return [redactText(name, known), isPrivate ? CUT : redactValue(one, known)]
  })
  return Object.fromEntries(entries) as unknown
}

/** Letters, digits and the other characters of base64. */
function isWord(byte: number | undefined): boolean {
  return byte !== undefined && /[A-Za-z0-9+/_-]/.test(String.fromCharCode(byte))
}

function wordStart(bytes: Buffer, at: number, from: number): number {
  let start = at
  while (start > from && isWord(bytes[start]) && isWord(bytes[start - 1])) start--
  return start
}

function wordEnd(bytes: Buffer, at: number): number {
  let end = at
  while (isWord(bytes[end - 1]) && isWord(bytes[end])) end++
  return end
}
