import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { Payload, PayloadCodec } from '@temporalio/common'
import proto from '@temporalio/proto'
import type { PayloadKeys } from './payload-keys.ts'

const ENCODING = 'binary/encrypted'
const CIPHER = 'AES-256-GCM'
/** NIST SP 800-38D 8.2.2: a random nonce of 96 bits is good for 2^32 payloads a key. */
const NONCE_BYTES = 12
const TAG_BYTES = 16

const { Payload: message } = proto.temporal.api.common.v1

/**
 * Encrypts payloads with AES-256-GCM, the whole payload with its metadata: nonce, ciphertext and tag in `data`, cipher
 * and key id in the metadata. The layout is that of Temporal's samples. What is not encrypted is read as it is: people
 * signal with programs that have no key, and histories begin before encryption is switched on.
 */
export class EncryptionCodec implements PayloadCodec {
  readonly #keys: PayloadKeys

  constructor(keys: PayloadKeys) {
    this.#keys = keys
  }

  encode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.resolve().then(() => payloads.map((payload) => this.#encrypted(payload)))
  }

  /** @throws Error that names the key id and what to do */
  decode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.resolve().then(() => payloads.map((payload) => this.#decrypted(payload)))
  }

  #encrypted(payload: Payload): Payload {
    // What somebody else has encrypted already would only become longer.
    if (text(payload.metadata?.['encoding']) === ENCODING) return payload
    const { id, bytes } = this.#keys.first
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', bytes, nonce)
    const sealed = [
      nonce,
      cipher.update(message.encode(payload).finish()),
      cipher.final(),
      cipher.getAuthTag(),
    ]
    return {
      metadata: {
        encoding: Buffer.from(ENCODING),
        'encryption-cipher': Buffer.from(CIPHER),
        'encryption-key-id': Buffer.from(id),
      },
      data: Buffer.concat(sealed),
    }
  }

  #decrypted(payload: Payload): Payload {
    if (text(payload.metadata?.['encoding']) !== ENCODING) return payload
    const id = text(payload.metadata?.['encryption-key-id'])
    const key = this.#keys.find(id)
    if (key === undefined) {
      throw new Error(
        `a payload is encrypted with the key "${shown(id)}", which ${this.#keys.file} does not hold (it holds ${this.#keys.ids.join(', ')}): add that key after the first one`,
      )
    }
    const data = Buffer.from(payload.data ?? [])
    try {
      const decipher = createDecipheriv('aes-256-gcm', key.bytes, data.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
      decipher.setAuthTag(data.subarray(-TAG_BYTES))
      return message.decode(
        Buffer.concat([decipher.update(data.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]),
      )
    } catch {
      throw new Error(
        `a payload does not decrypt with the key "${shown(id)}" of ${this.#keys.file}: the file holds another key under this id, or the payload was altered`,
      )
    }
  }
}

function text(bytes: Uint8Array | null | undefined): string {
  return bytes == null ? '' : Buffer.from(bytes).toString()
}

/** Ids of payloads are written by whoever may signal. */
function shown(id: string): string {
  return id.replace(/[^A-Za-z0-9._-]/g, '?').slice(0, 64)
}
