/** As many nonces as one process can use at once; a CA's memory for them is bounded too. */
const CAPACITY = 128
// RFC 8555 6.5.1: a Replay-Nonce outside base64url is ignored.
const noncePattern = /^[A-Za-z0-9_-]{1,512}$/

/** The unused nonces of one server, newest first: the oldest are the likeliest to have been forgotten there. */
export class NoncePool {
  readonly #nonces: string[] = []

  /** Keeps a nonce that came with an answer; undefined and malformed ones are ignored. */
  put(nonce: string | undefined): void {
    if (!isNonce(nonce)) return
    this.#nonces.push(nonce)
    if (this.#nonces.length > CAPACITY) this.#nonces.shift()
  }

  take(): string | undefined {
    return this.#nonces.pop()
  }
}

export function isNonce(value: string | undefined): value is string {
  return value !== undefined && noncePattern.test(value)
}
