import { randomBytes, type KeyObject } from 'node:crypto'
import {
  MIN_SECRET_BYTES,
  WINDOW,
  digestOf,
  hashOf,
  normalised,
  piecesOf,
  privateNumbers,
  rolled,
  type Piece,
} from './pieces.ts'

/** How many pieces are remembered, some 150 bytes each: about two thousand EC keys, or four hundred RSA keys. */
const CAPACITY = 32_768
const FILTER_MASK = (1 << 18) - 1

/** Where in a text a secret stands, in bytes; `end` is not part of it. */
export interface Place {
  start: number
  end: number
}

/**
 * The secrets that this process has read or made, to recognise them wherever a text leaves it. What is remembered are
 * keyed digests of pieces, with a key that lives as long as the process; the secret that was seen longest ago is
 * forgotten first. Looking through a text costs the same whether one secret is known or a thousand.
 */
export class KnownSecrets {
  readonly #digestKey = randomBytes(32)
  readonly #capacity: number
  /** Pieces by secret, the longest unseen first. */
  readonly #secrets = new Map<string, readonly Piece[]>()
  readonly #pinned = new Set<string>()
  readonly #index = new Map<number, Piece[]>()
  /** How many pieces share the lower bits of a hash: most places of a text are passed by one look here. */
  readonly #filter = new Uint16Array(FILTER_MASK + 1)
  #size = 0

  constructor(capacity = CAPACITY) {
    this.#capacity = capacity
  }

  /** `pinned`: kept until the process ends, for what is read only once. */
  add(secret: Buffer | string, { pinned = false } = {}): void {
    const bytes = typeof secret === 'string' ? Buffer.from(secret) : secret
    if (bytes.length < MIN_SECRET_BYTES) return
    const id = digestOf(bytes, this.#digestKey)
    if (pinned) this.#pinned.add(id)
    const known = this.#secrets.get(id)
    this.#secrets.delete(id)
    this.#secrets.set(id, known ?? this.#learn(piecesOf(bytes, this.#digestKey)))
    this.#forget()
  }

  addKey(key: KeyObject): void {
    for (const number of privateNumbers(key)) this.add(number)
  }

  get size(): number {
    return this.#size
  }

  /** True where any known secret, or 16 bytes of one, stands in the text. */
  isIn(text: Buffer): boolean {
    return !this.#walk(text).next().done
  }

  /** All places, in order; they may overlap. */
  placesIn(text: Buffer): Place[] {
    return [...this.#walk(text)]
  }

  *#walk(text: Buffer): Generator<Place> {
    if (this.#size === 0 || text.length < WINDOW) return
    const bytes = normalised(text)
    let hash = hashOf(bytes)
    for (let at = 0; ; at++) {
      if (this.#filter[hash & FILTER_MASK] !== 0) {
        for (const { length, digest } of this.#index.get(hash) ?? []) {
          const end = at + length
          if (end <= bytes.length && digestOf(bytes.subarray(at, end), this.#digestKey) === digest)
            yield { start: at, end }
        }
      }
      const next = bytes[at + WINDOW]
      if (next === undefined) return
      hash = rolled(hash, bytes[at] ?? 0, next)
    }
  }

  #learn(pieces: readonly Piece[]): readonly Piece[] {
    for (const piece of pieces) {
      const others = this.#index.get(piece.hash)
      if (others === undefined) this.#index.set(piece.hash, [piece])
      else others.push(piece)
      this.#filter[piece.hash & FILTER_MASK] = (this.#filter[piece.hash & FILTER_MASK] ?? 0) + 1
    }
    this.#size += pieces.length
    return pieces
  }

  #forget(): void {
    for (const [id, pieces] of this.#secrets) {
      if (this.#size <= this.#capacity) return
      if (this.#pinned.has(id)) continue
      this.#secrets.delete(id)
      for (const piece of pieces) {
        const left = (this.#index.get(piece.hash) ?? []).filter((one) => one !== piece)
        if (left.length === 0) this.#index.delete(piece.hash)
        else this.#index.set(piece.hash, left)
        this.#filter[piece.hash & FILTER_MASK] = (this.#filter[piece.hash & FILTER_MASK] ?? 1) - 1
      }
      this.#size -= pieces.length
    }
  }
}

/** Of this process: whoever reads or makes a secret adds it, every way out asks. */
export const knownSecrets = new KnownSecrets()
