import { CertloomError } from '../../failure.ts'
import { signExternalAccountBinding, type AccountSigner } from './jws.ts'
import { accountMessage, type Account } from './messages.ts'
import { AcmeProblem } from './problems.ts'
import type { AcmeSession } from './session.ts'
import { locationOf, misbehaviour, readMessage } from './transport.ts'

/** RFC 8555 7.3.4: what the CA gave out of band. `hmacKey` is the decoded key, not its base64url text. */
export interface ExternalAccountBinding {
  keyId: string
  hmacKey: Buffer
}

export interface Registration {
  /** URLs, `mailto:` ones in practice. */
  contact?: string[]
  eab?: ExternalAccountBinding
  /** Only look the account up; the problem accountDoesNotExist if the CA does not know the key. */
  onlyReturnExisting?: boolean
}

export interface RegisteredAccount extends Account {
  url: string
  /** False if the CA knew the key before. */
  created: boolean
}

/** newAccount (RFC 8555 7.3), agreeing to the terms of service: whoever configured the issuer agreed to them. */
export async function registerAccount(
  session: AcmeSession,
  signer: AccountSigner,
  { contact, eab, onlyReturnExisting }: Registration,
): Promise<RegisteredAccount> {
  const { newAccount: url } = await session.directory()
  const payload: Record<string, unknown> = onlyReturnExisting
    ? { onlyReturnExisting: true }
    : { termsOfServiceAgreed: true }
  if (contact !== undefined && contact.length > 0 && !onlyReturnExisting) payload.contact = contact
  if (eab !== undefined) {
    if (eab.keyId === '' || eab.hmacKey.length === 0) {
      throw new CertloomError('SecretInvalid', 'external account binding: keyID or MAC key is empty')
    }
    payload.externalAccountBinding = await signExternalAccountBinding(signer, eab, url)
  }
  const answer = await session.post(signer, {
    url,
    payload,
    identity: { jwk: signer.publicJwk },
    resource: 'account',
  })
  const location = locationOf(session.transport, answer)
  if (location === undefined) throw misbehaviour('account', 'no Location in the answer')
  const account = usable(readMessage(answer, accountMessage), location)
  return { ...account, url: location, created: answer.status === 201 }
}

/** The account that the CA has for this key, or undefined. */
export async function findAccount(
  session: AcmeSession,
  signer: AccountSigner,
): Promise<RegisteredAccount | undefined> {
  try {
    return await registerAccount(session, signer, { onlyReturnExisting: true })
  } catch (error) {
    if (error instanceof AcmeProblem && error.is('accountDoesNotExist')) return undefined
    throw error
  }
}

/** RFC 8555 7.3.2; without `contact` it just reads the account. An empty list removes the contacts. */
export async function updateAccount(
  session: AcmeSession,
  signer: AccountSigner,
  accountUrl: string,
  change: { contact?: string[] },
): Promise<Account & { url: string }> {
  const payload = change.contact === undefined ? undefined : { contact: change.contact }
  const answer = await session.post(signer, {
    url: accountUrl,
    payload,
    identity: { kid: accountUrl },
    resource: 'account',
  })
  return { ...usable(readMessage(answer, accountMessage), accountUrl), url: accountUrl }
}

function usable(account: Account, url: string): Account {
  if (account.status !== 'valid')
    throw new CertloomError('AccountProblem', `account ${url} is ${account.status}`)
  return account
}
