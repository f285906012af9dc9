import { redactText } from './secrets/redact.ts'

/** The most that is kept of a text from outside, in characters. */
export const MAX_TEXT = 256

const keyMaterial = /-----BEGIN[\s\S]*?(-----END[^-]*-----|$)/g
// C0 and C1 controls, among them terminal escapes, and the marks that turn text around.
const controls = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g

/**
 * The one door for text from outside (problem documents, stderr, DNS): the secrets given and all that this process has
 * read are removed in the forms in which they usually leak, as is key material of any origin; PEM blocks are cut,
 * control characters become a space, and what is left fits a condition.
 */
export function cleanText(text: string, secrets: readonly string[] = []): string {
  let clean = text
  for (const secret of secrets) for (const form of formsOf(secret)) clean = clean.replaceAll(form, '[secret]')
  clean = redactText(clean).replace(keyMaterial, '[pem]').replace(controls, ' ').replace(/ {2,}/g, ' ').trim()
  return clean.length <= MAX_TEXT ? clean : clean.slice(0, MAX_TEXT - 1) + '…'
}

function formsOf(secret: string): string[] {
  // Shorter values would cut ordinary words out of the message and tell nobody anything.
  if (secret.trim().length < 4) return []
  const bytes = Buffer.from(secret)
  const forms = [secret, secret.trim(), bytes.toString('hex'), encodeURIComponent(secret)]
  // The three alignments: base64 of a text that has the secret somewhere inside.
  for (let shift = 0; shift < 3; shift++) {
    const base64 = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64')
    const inner = base64.slice(
      shift === 0 ? 0 : shift + 1,
      base64.length - ((bytes.length + shift) % 3 === 0 ? 0 : 4),
    )
    if (inner.length >= 4) forms.push(inner, inner.replaceAll('+', '-').replaceAll('/', '_'))
  }
  return forms
}
