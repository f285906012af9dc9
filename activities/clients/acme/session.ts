import { directoryMessage, type Directory } from './messages.ts'
import { isNonce, NoncePool } from './nonces.ts'
import { checkedUrl, exchange, misbehaviour, readMessage, type Answer, type Transport } from './transport.ts'
import type { AccountSigner, SignerIdentity } from './jws.ts'
import { signRequest } from './jws.ts'
import type { AcmeResource } from './problems.ts'

/** How long a directory is used before it is fetched again, in milliseconds. */
export const DIRECTORY_MAX_AGE_MS = 3_600_000
/** How often a request is signed anew after badNonce. */
export const BAD_NONCE_RETRIES = 5

export interface SignedRequest {
  url: string
  /** Sent as JSON; undefined is POST-as-GET (RFC 8555 6.3). */
  payload?: unknown
  identity: SignerIdentity
  resource: AcmeResource
  accept?: string
}

/** What the accounts of one process share about one server: its directory and the nonces left over. */
export interface AcmeSession {
  readonly transport: Transport
  /** The directory, fetched once and kept for `maxAgeMs` (an hour). Two callers at once make one request. */
  directory(maxAgeMs?: number): Promise<Directory>
  /** Signs and sends; retried on badNonce alone (RFC 8555 6.5), up to five times. */
  post(signer: AccountSigner, request: SignedRequest): Promise<Answer>
}

export function acmeSession(transport: Transport): AcmeSession {
  const nonces = new NoncePool()
  let cached: { directory: Promise<Directory>; at: number } | undefined

  function directory(maxAgeMs = DIRECTORY_MAX_AGE_MS): Promise<Directory> {
    const now = transport.now()
    if (cached !== undefined && now - cached.at < maxAgeMs) return cached.directory
    const fresh = { directory: fetchDirectory(transport), at: now }
    cached = fresh
    fresh.directory.catch(() => {
      if (cached === fresh) cached = undefined
    })
    return fresh.directory
  }

  async function newNonce(): Promise<string> {
    const { newNonce: url } = await directory()
    const result = await exchange(transport, { method: 'HEAD', url, resource: 'nonce' })
    if ('refusal' in result) throw result.refusal.problem
    const { nonce } = result.answer
    if (!isNonce(nonce)) throw misbehaviour('nonce', 'no usable Replay-Nonce in the answer')
    return nonce
  }

  async function post(signer: AccountSigner, request: SignedRequest): Promise<Answer> {
    const { url, payload, identity, resource, accept } = request
    // Before a nonce and a signature are spent on it.
    checkedUrl(url, transport.server, resource)
    let nonce = nonces.take() ?? (await newNonce())
    for (let retries = 0; ; retries++) {
      const jws = await signRequest(signer, identity, { url, nonce, payload })
      const body = Buffer.from(JSON.stringify(jws))
      const result = await exchange(transport, {
        method: 'POST',
        url,
        resource,
        body,
        ...(accept && { accept }),
      })
      if ('answer' in result) {
        nonces.put(result.answer.nonce)
        return result.answer
      }
      const { problem, nonce: next } = result.refusal
      if (!problem.is('badNonce') || retries === BAD_NONCE_RETRIES) {
        nonces.put(next)
        throw problem
      }
      // Not from the pool: when one nonce was forgotten there, older ones were as well.
      nonce = isNonce(next) ? next : await newNonce()
    }
  }

  return { transport, directory, post }
}

async function fetchDirectory(transport: Transport): Promise<Directory> {
  const { server } = transport
  const result = await exchange(transport, { method: 'GET', url: server.directoryUrl, resource: 'directory' })
  if ('refusal' in result) throw result.refusal.problem
  const directory = readMessage(result.answer, directoryMessage)
  const { newNonce, newAccount, newOrder, renewalInfo } = directory
  for (const url of [newNonce, newAccount, newOrder, renewalInfo]) {
    if (url !== undefined) checkedUrl(url, server, 'directory')
  }
  return directory
}
