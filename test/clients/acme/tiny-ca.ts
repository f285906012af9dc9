import { createPublicKey, randomBytes, verify, type JsonWebKey, type KeyObject } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { intermediateByRootA, leaf } from './chains.ts'

/** What a signed request said, after its nonce, URL and signature were found right. */
export interface SeenRequest {
  path: string
  protectedHeader: { alg: string; nonce: string; url: string; kid?: string; jwk?: JsonWebKey }
  /** Undefined for POST-as-GET. */
  payload: Record<string, unknown> | undefined
}

export interface TinyAnswer {
  status?: number
  headers?: Record<string, string | string[]>
  /** An object is sent as JSON, text as it is. */
  body?: object | string
}

const algorithms: Record<string, { hash: string | null; options: object }> = {
  RS256: { hash: 'sha256', options: {} },
  ES256: { hash: 'sha256', options: { dsaEncoding: 'ieee-p1363' } },
  ES384: { hash: 'sha384', options: { dsaEncoding: 'ieee-p1363' } },
  ES512: { hash: 'sha512', options: { dsaEncoding: 'ieee-p1363' } },
  EdDSA: { hash: null, options: {} },
}

export const acmeError = (type: string) => `urn:ietf:params:acme:error:${type}`
export const token = 'mZ0wKs-eV_6TgQ1pBd8hXyR3uNcLfJaO5iWvE2tGkYo'

/** One CA that checks every signature for itself (node:crypto, not the library under test) and misbehaves on demand. */
export class TinyCa implements AsyncDisposable {
  readonly seen: SeenRequest[] = []
  /** "METHOD path" of every request in order, the refused ones too. */
  readonly log: string[] = []
  readonly headers: Record<string, string>[] = []
  readonly #nonces = new Set<string>()
  readonly #accounts = new Map<string, KeyObject>()
  readonly #scripts = new Map<string, TinyAnswer[]>()
  readonly #standing = new Map<string, TinyAnswer>()
  readonly #server = createServer((request, response) => void this.#serve(request, response))

  static async start(): Promise<TinyCa> {
    const ca = new TinyCa()
    await new Promise<void>((resolve) => ca.#server.listen(0, '127.0.0.1', resolve))
    return ca
  }

  get base(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get server() {
    return { directoryUrl: `${this.base}/directory`, policy: 'cluster' as const }
  }

  /** The next answers at a path, one request each; afterwards it behaves again. */
  next(path: string, ...answers: TinyAnswer[]): void {
    this.#scripts.set(path, [...(this.#scripts.get(path) ?? []), ...answers])
  }

  /** Every answer at a path from now on. */
  always(path: string, answer: TinyAnswer): void {
    this.#standing.set(path, answer)
  }

  /** Forgets every nonce that it gave out, as after a restart. */
  forgetNonces(): void {
    this.#nonces.clear()
  }

  order(fields: object = {}): object {
    return {
      status: 'pending',
      identifiers: [{ type: 'dns', value: 'www.example.com' }],
      authorizations: [`${this.base}/authz/1`],
      finalize: `${this.base}/finalize/1`,
      ...fields,
    }
  }

  authorization(fields: object = {}): object {
    const challenge = { type: 'dns-01', url: `${this.base}/challenge/1`, status: 'pending', token }
    return {
      status: 'pending',
      identifier: { type: 'dns', value: 'www.example.com' },
      challenges: [challenge],
      ...fields,
    }
  }

  async [Symbol.asyncDispose]() {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse) {
    const path = request.url ?? '/'
    this.log.push(`${request.method} ${path}`)
    this.headers.push(request.headers as Record<string, string>)
    const body: Buffer[] = []
    for await (const part of request) body.push(part as Buffer)
    const nonce = randomBytes(16).toString('base64url')
    this.#nonces.add(nonce)
    const answer = this.#answer(request, path, Buffer.concat(body).toString())
    response.statusCode = answer.status ?? 200
    response.setHeader('replay-nonce', nonce)
    response.setHeader(
      'content-type',
      response.statusCode < 400 ? 'application/json' : 'application/problem+json',
    )
    for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value)
    response.end(typeof answer.body === 'object' ? JSON.stringify(answer.body) : answer.body)
  }

  #answer(request: IncomingMessage, path: string, body: string): TinyAnswer {
    if (request.method === 'POST') {
      const fault = this.#check(request, path, body)
      if (fault !== undefined) return { status: 400, body: { type: acmeError(fault), detail: fault } }
    }
    return this.#scripts.get(path)?.shift() ?? this.#standing.get(path) ?? this.#behave(path)
  }

  #check(request: IncomingMessage, path: string, body: string): string | undefined {
    if (request.headers['content-type'] !== 'application/jose+json') return 'malformed'
    const jws = JSON.parse(body) as { protected: string; payload: string; signature: string }
    const decode = (part: string) => Buffer.from(part, 'base64url').toString()
    const protectedHeader = JSON.parse(decode(jws.protected)) as SeenRequest['protectedHeader']
    const { alg, nonce, url, kid, jwk } = protectedHeader
    if (!this.#nonces.delete(nonce)) return 'badNonce'
    if (url !== this.base + path || (kid === undefined) === (jwk === undefined)) return 'malformed'
    const key =
      jwk === undefined ? this.#accounts.get(kid ?? '') : createPublicKey({ key: jwk, format: 'jwk' })
    if (key === undefined) return 'accountDoesNotExist'
    const { hash, options } = algorithms[alg] ?? { hash: 'none', options: {} }
    const signed = Buffer.from(`${jws.protected}.${jws.payload}`)
    if (!verify(hash, signed, { key, ...options }, Buffer.from(jws.signature, 'base64url')))
      return 'unauthorized'
    const payload =
      jws.payload === '' ? undefined : (JSON.parse(decode(jws.payload)) as Record<string, unknown>)
    this.seen.push({ path, protectedHeader, payload })
    if (path === '/account' && jwk !== undefined) this.#accounts.set(`${this.base}/account/1`, key)
    return undefined
  }

  #behave(path: string): TinyAnswer {
    const { base } = this
    switch (path) {
      case '/directory':
        return { body: this.directory() }
      case '/nonce':
        return {}
      case '/account':
        return { status: 201, headers: { location: `${base}/account/1` }, body: { status: 'valid' } }
      case '/account/1':
        return { body: { status: 'valid', contact: ['mailto:a@example.com'] } }
      case '/order':
        return { status: 201, headers: { location: `${base}/order/1` }, body: this.order() }
      case '/order/1':
      case '/finalize/1':
        return { body: this.order({ status: 'valid', certificate: `${base}/certificate/1` }) }
      case '/authz/1':
        return { body: this.authorization() }
      case '/challenge/1':
        return { body: { type: 'dns-01', url: `${base}/challenge/1`, status: 'processing', token } }
      case '/certificate/1':
        return {
          headers: { 'content-type': 'application/pem-certificate-chain' },
          body: leaf + intermediateByRootA,
        }
      default:
        return { status: 404, body: { type: acmeError('malformed'), detail: `no such resource: ${path}` } }
    }
  }

  directory(fields: object = {}): object {
    const { base } = this
    return { newNonce: `${base}/nonce`, newAccount: `${base}/account`, newOrder: `${base}/order`, ...fields }
  }
}
