import { createHmac, type KeyObject } from 'node:crypto'

/** Shorter values are words: they would be found everywhere. */
export const MIN_SECRET_BYTES = 8
/** Bytes by which a piece is looked up while a text is walked through. */
export const WINDOW = 8
/** A longer form is cut into pieces of this many bytes: any one of them gives the secret away. */
const PIECE = 16
/** What is looked at of one secret: of a longer one, the first bytes stand for the whole. */
const MAX_SECRET_BYTES = 2048

/** A part of a secret in one form: where it may stand is found by `hash`, that it does stand there by `digest`. */
export interface Piece {
  readonly hash: number
  readonly length: number
  readonly digest: string
}

/** The forms in which a secret usually leaks, cut into pieces that hold nothing of it but digests. */
export function piecesOf(secret: Buffer, digestKey: Buffer): Piece[] {
  const bytes = secret.subarray(0, MAX_SECRET_BYTES)
  const forms = new Set<string>([
    bytes.toString('latin1'),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
  ])
  for (let shift = 0; shift < 3; shift++) forms.add(base64At(bytes, shift))
  const text = bytes.toString('utf8')
  if (Buffer.from(text).equals(bytes)) {
    // As it stands inside a JSON document or a URL.
    forms.add(Buffer.from(JSON.stringify(text).slice(1, -1)).toString('latin1'))
    forms.add(encodeURIComponent(text.toWellFormed()))
  }
  return [...forms].flatMap((form) => cut(normalised(Buffer.from(form, 'latin1')), digestKey))
}

/** The digits of base64 that depend on the secret alone, where `shift` bytes stand before it. */
function base64At(bytes: Buffer, shift: number): string {
  const base64 = Buffer.concat([Buffer.alloc(shift), bytes])
    .toString('base64')
    .replace(/=+$/, '')
  const whole = (bytes.length + shift) % 3 === 0
  return base64.slice(shift === 0 ? 0 : shift + 1, whole ? undefined : -1)
}

function cut(form: Buffer, digestKey: Buffer): Piece[] {
  if (form.length < MIN_SECRET_BYTES) return []
  // A text of several words is a secret as a whole; each of its words may be said.
  if (form.length <= PIECE || form.includes(0x20)) return [piece(form, digestKey)]
  const pieces: Piece[] = []
  for (let at = 0; at + PIECE <= form.length; at += PIECE)
    pieces.push(piece(form.subarray(at, at + PIECE), digestKey))
  if (form.length % PIECE !== 0) pieces.push(piece(form.subarray(-PIECE), digestKey))
  return pieces
}

function piece(bytes: Buffer, digestKey: Buffer): Piece {
  return { hash: hashOf(bytes), length: bytes.length, digest: digestOf(bytes, digestKey) }
}

export function digestOf(bytes: Buffer, digestKey: Buffer): string {
  return createHmac('sha256', digestKey).update(bytes).digest('base64').slice(0, 22)
}

/** base64url is read as base64. */
export function normalised(bytes: Buffer): Buffer {
  const same = Buffer.from(bytes)
  for (let at = 0; at < same.length; at++) {
    if (same[at] === 0x2d) same[at] = 0x2b
    else if (same[at] === 0x5f) same[at] = 0x2f
  }
  return same
}

const BASE = 0x01000193
const BASE_TO_WINDOW = Array.from({ length: WINDOW - 1 }).reduce<number>(
  (product) => Math.imul(product, BASE),
  1,
)

/** Of the first WINDOW bytes (Rabin–Karp): `rolled` moves it on by one byte. */
export function hashOf(bytes: Buffer): number {
  let hash = 0
  for (let at = 0; at < WINDOW; at++) hash = (Math.imul(hash, BASE) + (bytes[at] ?? 0)) | 0
  return hash
}

export function rolled(hash: number, out: number, next: number): number {
  return (Math.imul(hash - Math.imul(out, BASE_TO_WINDOW), BASE) + next) | 0
}

/** The numbers that make a key private, without what certificates show of it anyway: a modulus must stay sayable. */
export function privateNumbers(key: KeyObject): Buffer[] {
  const { d, p, q } = key.export({ format: 'jwk' })
  // The first 64 bytes of an RSA number stand for the whole.
  return [d, p, q].flatMap((number) =>
    number === undefined ? [] : [Buffer.from(number, 'base64url').subarray(0, 64)],
  )
}
