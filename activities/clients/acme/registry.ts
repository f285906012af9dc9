import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { CertloomError } from '../../failure.ts'
import { accountClient, type AcmeAccountOptions, type AcmeClient } from './client.ts'
import { acmeSession, type AcmeSession } from './session.ts'
import type { AcmeExchange, AcmeServer, HttpSender } from './transport.ts'

/** Servers and accounts that are kept; beyond it the one that was used least recently is forgotten. */
const CAPACITY = 512

export interface AcmeClientsOptions {
  http: HttpSender
  /** Name, version and contact of this software (RFC 8555 6.1); some servers refuse requests without one. */
  userAgent: string
  /** Milliseconds since 1970. */
  now?: () => number
  /** Told of every request when it has ended; for metrics. */
  observe?: (exchange: AcmeExchange) => void
}

/** The ACME clients of a process: they share directory and nonces per server, and are kept per account. */
export interface AcmeClients {
  client(options: AcmeAccountOptions & { server: AcmeServer }): AcmeClient
}

export function acmeClients({ http, userAgent, now = Date.now, observe }: AcmeClientsOptions): AcmeClients {
  const sessions = new Map<string, AcmeSession>()
  const clients = new Map<string, AcmeClient>()
  return {
    client({ server, accountKey, accountUrl }) {
      // Trust and policy are part of the key: a nonce or directory never crosses from a lax issuer to a strict one.
      const { directoryUrl, caPem, skipTlsVerify, policy } = server
      const serverKey = JSON.stringify([directoryUrl, caPem ?? '', skipTlsVerify === true, policy])
      const session = recent(sessions, serverKey, () =>
        acmeSession({ server, http, userAgent, now, observe }),
      )
      const clientKey = JSON.stringify([serverKey, publicKeyDigest(accountKey), accountUrl ?? ''])
      return recent(clients, clientKey, () => accountClient(session, { accountKey, accountUrl }))
    },
  }
}

/** One client on its own, with its own directory and nonces; for programs that talk to one server once. */
export function acmeClient(
  options: AcmeAccountOptions & AcmeClientsOptions & { server: AcmeServer },
): AcmeClient {
  return acmeClients(options).client(options)
}

function recent<T>(kept: Map<string, T>, key: string, make: () => T): T {
  const value = kept.get(key) ?? make()
  kept.delete(key)
  kept.set(key, value)
  if (kept.size > CAPACITY) kept.delete(kept.keys().next().value!)
  return value
}

function publicKeyDigest(key: KeyObject): string {
  if (key.type !== 'private')
    throw new CertloomError('SecretInvalid', 'ACME account key: it is not a private key')
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(spki).digest('base64url')
}
