import type { KeyObject } from 'node:crypto'
import {
  findAccount,
  registerAccount,
  updateAccount,
  type RegisteredAccount,
  type Registration,
} from './account.ts'
import { dns01Value, keyAuthorization } from './challenge.ts'
import { downloadChain } from './download.ts'
import { orderIdentifiers, type Identifier } from './identifiers.ts'
import { accountSigner, type AccountSigner } from './jws.ts'
import {
  authorizationMessage,
  challengeMessage,
  orderMessage,
  renewalInfoMessage,
  type Account,
  type Authorization,
  type Challenge,
  type Directory,
  type FinalizedOrder,
  type Order,
  type RenewalInfo,
} from './messages.ts'
import { AcmeProblem } from './problems.ts'
import { checkProfile } from './profiles.ts'
import type { AcmeSession, SignedRequest } from './session.ts'
import { exchange, locationOf, misbehaviour, readPolled, type Answer } from './transport.ts'

export interface NewOrder {
  identifiers: readonly Identifier[]
  /** RFC 3339; many CAs refuse it. */
  notAfter?: string
  /** A name out of the directory's `meta.profiles`. */
  profile?: string
  /** RFC 9773 identifier of the certificate that this one replaces; left out if the server has no renewalInfo. */
  replaces?: string
}

/** One account at one server. Throws CertloomError; a refusal by the server is an AcmeProblem. */
export interface AcmeClient {
  directory(): Promise<Directory>
  register(registration: Registration): Promise<RegisteredAccount>
  findAccount(): Promise<RegisteredAccount | undefined>
  updateAccount(change: { contact?: string[] }): Promise<Account & { url: string }>
  newOrder(order: NewOrder): Promise<Order>
  order(url: string): Promise<Order>
  authorization(url: string): Promise<Authorization>
  /** Tells the server to validate (RFC 8555 7.5.1). */
  answer(challengeUrl: string): Promise<Challenge>
  /** RFC 8555 7.4; `url` is the order's `finalize`. */
  finalize(url: string, csrDer: Buffer): Promise<FinalizedOrder>
  /**
   * The chain in PEM, leaf first. With `preferredChain` (common name of the issuer of the topmost certificate) the
   * first alternate that fits, or the default if none does.
   */
  certificate(url: string, options?: { preferredChain?: string }): Promise<string>
  deactivateAuthorization(url: string): Promise<Authorization>
  /** RFC 9773 4.1; undefined if the server has no renewalInfo. `certificateId` comes from ariCertificateId. */
  renewalInfo(certificateId: string): Promise<RenewalInfo | undefined>
  keyAuthorization(token: string): Promise<string>
  dns01Value(token: string): Promise<string>
}

export interface AcmeAccountOptions {
  accountKey: KeyObject
  /** As the server named it at registration; if left out, it is looked up once when first needed. */
  accountUrl?: string
}

export function accountClient(
  session: AcmeSession,
  { accountKey, accountUrl }: AcmeAccountOptions,
): AcmeClient {
  let signing: Promise<AccountSigner> | undefined
  let account = accountUrl === undefined ? undefined : Promise.resolve(accountUrl)
  const { transport } = session

  const signer = () => (signing ??= accountSigner(accountKey))

  function knownAccount(): Promise<string> {
    if (account !== undefined) return account
    const lookup = signer()
      .then((known) => registerAccount(session, known, { onlyReturnExisting: true }))
      .then(({ url }) => url)
    account = lookup
    lookup.catch(() => {
      if (account === lookup) account = undefined
    })
    return lookup
  }

  async function remembered<T extends RegisteredAccount | undefined>(found: Promise<T>): Promise<T> {
    const result = await found
    if (result !== undefined) account = Promise.resolve(result.url)
    return result
  }

  async function post(request: Omit<SignedRequest, 'identity'>): Promise<Answer> {
    const used = knownAccount()
    try {
      return await session.post(await signer(), { ...request, identity: { kid: await used } })
    } catch (error) {
      // The CA forgot the account or has it under another URL: the next call asks by key.
      if (error instanceof AcmeProblem && error.is('accountDoesNotExist') && account === used)
        account = undefined
      throw error
    }
  }

  return {
    directory: () => session.directory(),
    register: async (registration) => remembered(registerAccount(session, await signer(), registration)),
    findAccount: async () => remembered(findAccount(session, await signer())),
    updateAccount: async (change) => updateAccount(session, await signer(), await knownAccount(), change),

    async newOrder({ identifiers, notAfter, profile, replaces }) {
      const payload: Record<string, unknown> = { identifiers: orderIdentifiers(identifiers) }
      if (profile !== undefined) {
        await checkProfile(session, profile)
        payload.profile = profile
      }
      const { newOrder: url, renewalInfo } = await session.directory()
      if (notAfter !== undefined) payload.notAfter = notAfter
      if (replaces !== undefined && renewalInfo !== undefined) payload.replaces = replaces
      const answer = await post({ url, payload, resource: 'newOrder' })
      const location = locationOf(transport, answer)
      if (location === undefined) throw misbehaviour('newOrder', 'no Location in the answer')
      return { ...readPolled(answer, orderMessage), url: location }
    },
    async order(url) {
      const answer = await post({ url, resource: 'order' })
      return { ...readPolled(answer, orderMessage), url }
    },
    async authorization(url) {
      const answer = await post({ url, resource: 'authorization' })
      return { ...readPolled(answer, authorizationMessage), url }
    },
    async answer(challengeUrl) {
      const answer = await post({ url: challengeUrl, payload: {}, resource: 'challenge' })
      return readPolled(answer, challengeMessage)
    },
    async finalize(url, csrDer) {
      const answer = await post({ url, payload: { csr: csrDer.toString('base64url') }, resource: 'finalize' })
      return readPolled(answer, orderMessage)
    },
    certificate: (url, options) => downloadChain(transport, post, url, options?.preferredChain),
    async deactivateAuthorization(url) {
      const answer = await post({ url, payload: { status: 'deactivated' }, resource: 'authorization' })
      return { ...readPolled(answer, authorizationMessage), url }
    },
    async renewalInfo(certificateId) {
      const { renewalInfo } = await session.directory()
      if (renewalInfo === undefined) return undefined
      const url = `${renewalInfo.replace(/\/$/, '')}/${certificateId}`
      const result = await exchange(transport, { method: 'GET', url, resource: 'renewalInfo' })
      if ('refusal' in result) throw result.refusal.problem
      return readPolled(result.answer, renewalInfoMessage)
    },
    keyAuthorization: async (token) => keyAuthorization(token, (await signer()).thumbprint),
    dns01Value: async (token) => dns01Value(token, (await signer()).thumbprint),
  }
}
