import { createPrivateKey, type KeyObject } from 'node:crypto'

/** One secret in one form, to be searched for byte by byte. */
interface Needle {
  secret: string
  form: string
  bytes: Buffer
}

/** A secret that stands where it must not. */
export interface Hit {
  place: string
  secret: string
  form: string
}

/** A needle ends here: what was cut off in the middle is a leak too. */
const MOST_BYTES = 32
const LEAST_BYTES = 8
const PREFIX = 4

/**
 * The secrets to look for. Nothing here is of the product: what the guards take for a secret must not decide what the
 * scan finds.
 */
export class Marks {
  readonly #byPrefix = new Map<number, Needle[]>()
  readonly #filter = new Uint8Array(1 << 20)
  readonly #seen = new Set<string>()
  /** Names of the secrets that were marked. */
  readonly secrets = new Set<string>()

  get needles(): number {
    return this.#seen.size
  }

  /** A token, password or key that is a text or bytes: raw, base64 at the three alignments (both alphabets), hex. */
  add(secret: string, value: string | Buffer): void {
    const bytes = Buffer.from(value)
    if (bytes.length < LEAST_BYTES) throw new Error(`${secret} is too short to be searched for`)
    this.secrets.add(secret)
    this.#needle(secret, 'raw', bytes)
    this.#needle(secret, 'hex', Buffer.from(bytes.toString('hex')))
    this.#needle(secret, 'HEX', Buffer.from(bytes.toString('hex').toUpperCase()))
    for (let shift = 0; shift < 3; shift++) {
      const base64 = Buffer.concat([Buffer.alloc(shift), bytes])
        .toString('base64')
        .replace(/=+$/, '')
      // The digits at both ends depend on the neighbours.
      const own = base64.slice(shift === 0 ? 0 : shift + 1, (bytes.length + shift) % 3 === 0 ? undefined : -1)
      this.#needle(secret, `base64+${shift}`, Buffer.from(own))
      this.#needle(secret, `base64url+${shift}`, Buffer.from(own.replaceAll('+', '-').replaceAll('/', '_')))
    }
  }

  /**
   * A private key: its private numbers in every form (a DER or JWK of it holds them), and the lines of its PEM that
   * hold any of them, since there the line breaks cut the numbers.
   */
  addKey(secret: string, key: KeyObject): void {
    const { d, p, q } = key.export({ format: 'jwk' })
    const numbers = [d, p, q].flatMap((number) =>
      number === undefined ? [] : [Buffer.from(number, 'base64url')],
    )
    for (const number of numbers) this.add(secret, number)
    const traditional =
      key.asymmetricKeyType === 'rsa' ? 'pkcs1' : key.asymmetricKeyType === 'ec' ? 'sec1' : 'pkcs8'
    for (const type of ['pkcs8', traditional] as 'pkcs8'[]) {
      const der = key.export({ type, format: 'der' })
      const lines = der.toString('base64').match(/.{1,64}/g) ?? []
      for (const number of numbers) {
        const first = Math.floor(der.indexOf(number) / 48)
        const last = Math.floor((der.indexOf(number) + number.length - 1) / 48)
        for (const line of lines.slice(first, last + 1)) {
          // From the end: the beginning of the first line may be the header that every key has.
          if (line.length >= LEAST_BYTES)
            this.#needle(secret, `${type} PEM line`, Buffer.from(line.slice(-MOST_BYTES)))
        }
      }
    }
  }

  /** Every private key of a PEM text; what is no key is left to whoever made it up. Returns the keys. */
  addPem(secret: string, pem: string): KeyObject[] {
    const keys: KeyObject[] = []
    for (const [block] of pem.matchAll(
      /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g,
    )) {
      try {
        const key = createPrivateKey(block)
        this.addKey(secret, key)
        keys.push(key)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ERR_OSSL_UNSUPPORTED') throw error
      }
    }
    return keys
  }

  /** Every secret that stands in the bytes, each form once. */
  search(place: string, bytes: Buffer): Hit[] {
    const hits = new Map<string, Hit>()
    const end = bytes.length - PREFIX
    for (let at = 0; at <= end; at++) {
      const prefix = bytes.readUInt32LE(at)
      if (this.#filter[slot(prefix)] === 0) continue
      for (const { secret, form, bytes: needle } of this.#byPrefix.get(prefix) ?? []) {
        if (at + needle.length <= bytes.length && needle.equals(bytes.subarray(at, at + needle.length)))
          hits.set(`${secret} ${form}`, { place, secret, form })
      }
    }
    return [...hits.values()]
  }

  #needle(secret: string, form: string, whole: Buffer): void {
    const bytes = whole.subarray(0, MOST_BYTES)
    if (bytes.length < LEAST_BYTES) return
    const id = bytes.toString('latin1')
    if (this.#seen.has(id)) return
    this.#seen.add(id)
    const prefix = bytes.readUInt32LE(0)
    const others = this.#byPrefix.get(prefix)
    if (others === undefined) this.#byPrefix.set(prefix, [{ secret, form, bytes }])
    else others.push({ secret, form, bytes })
    this.#filter[slot(prefix)] = 1
  }
}

function slot(prefix: number): number {
  return (Math.imul(prefix, 0x9e3779b1) >>> 12) & 0xfffff
}
