import type { Issuer } from '../../k8s-bridge/api/issuer.ts'
import type { IssuerLook } from '../../workflows/activities.ts'
import { describeFailure, type Failure } from '../../workflows/domain/failures.ts'
import { acmeAccount, acmeSpec, ensureAccountKey } from '../acme/account.ts'
import { readMacKey } from '../acme/external-account.ts'
import { toCertloomError } from '../boundary.ts'
import { AcmeProblem, type AcmeClient } from '../clients/acme.ts'
import type { ActivityDeps } from '../deps.ts'
import { findDnsProvider } from '../dns/registry.ts'
import type { Events } from '../events.ts'
import { CertloomError } from '../failure.ts'
import { canonicalJson } from '../hash.ts'
import { issuerPath, readIssuer, type IssuerName, type LiveIssuer } from './issuer.ts'
import { signers } from './signers.ts'

interface Verified {
  reason: string
  message: string
  acme?: { uri: string; lastRegisteredEmail: string; lastPrivateKeyHash: string }
}

/**
 * Verifies an issuer, registers its ACME account and keeps its Ready condition true. `accountLost`: the CA has said that
 * it does not know the account, so the one in the status is not to be trusted.
 *
 * A second run is harmless: the account is found by its key, and an equal status is not written.
 */
export async function verifyIssuer(
  deps: ActivityDeps,
  input: IssuerName,
  events: Events,
  accountLost = false,
): Promise<IssuerLook> {
  const name: IssuerName = { kind: input.kind, namespace: input.namespace, name: input.name }
  const raw = await deps.kubernetes.get<Issuer>(issuerPath(name))
  if (raw === undefined || raw.metadata.deletionTimestamp !== undefined) {
    return { exists: false, ready: false, finding: 'the issuer is gone' }
  }
  const { uid = '', generation = 0 } = raw.metadata
  const known = { uid, generation, issuing: '', secretVersion: '' }
  const subject = { kind: input.kind, metadata: raw.metadata }
  try {
    const issuer = await readIssuer(deps, name)
    if (issuer === undefined) return { exists: false, ready: false, finding: 'the issuer is gone' }
    const verified = await verify(deps, issuer, accountLost)
    const news = await writeReady(deps, name, raw, 'True', verified.reason, verified.message, verified.acme)
    if (news && verified.acme !== undefined) events.normal(subject, verified.reason, verified.message)
    return { exists: true, known, ready: true, finding: verified.message }
  } catch (error) {
    const { failure, kind } = toCertloomError(error)
    if (kind === 'transient') throw error
    const [reason, message] = describeProblem(raw, error, failure)
    const news = await writeReady(deps, name, raw, 'False', reason, message)
    if (news) events.warning(subject, reason, message)
    return { exists: true, known, ready: false, finding: failure.message, failure }
  }
}

async function verify(deps: ActivityDeps, issuer: LiveIssuer, accountLost: boolean): Promise<Verified> {
  if (issuer.type === 'acme') return registerAccount(deps, issuer, accountLost)
  const signer = signers[issuer.type]
  if (signer === undefined) {
    throw new CertloomError(
      'UnsupportedIssuer',
      `${issuer.kind} ${issuer.name}: spec.${issuer.type} is not served by this release`,
    )
  }
  await signer.check(deps, issuer)
  return issuer.type === 'ca'
    ? { reason: 'KeyPairVerified', message: 'Signing CA verified' }
    : { reason: 'IsReady', message: '' }
}

async function registerAccount(
  deps: ActivityDeps,
  issuer: LiveIssuer,
  accountLost: boolean,
): Promise<Verified> {
  const { email = '', externalAccountBinding: eab, solvers = [] } = acmeSpec(issuer)
  for (const [index, solver] of solvers.entries()) {
    // Only the form is checked here: a missing plugin or Secret blocks the certificates that need it, not the others.
    if (solver.dns01 !== undefined) findDnsProvider(solver.dns01, `spec.acme.solvers[${index}].dns01`)
  }
  await ensureAccountKey(deps, issuer)
  const account = await acmeAccount(deps, issuer)
  await checkProfile(account, acmeSpec(issuer).profile)
  const contact = email === '' ? [] : [`mailto:${email.toLowerCase()}`]
  const before = issuer.object.status?.acme
  const message = 'The ACME account was registered with the ACME server'
  const sameKey =
    before?.lastPrivateKeyHash === account.keyHash && sameHost(before.uri, acmeSpec(issuer).server)
  if (!accountLost && sameKey && before?.uri !== undefined && before.lastRegisteredEmail === email) {
    // The account stands; one unsigned GET shows that the CA is there.
    await account.directory()
    return {
      reason: 'ACMEAccountRegistered',
      message,
      acme: { uri: before.uri, lastRegisteredEmail: email, lastPrivateKeyHash: account.keyHash },
    }
  }
  const hmacKey = eab === undefined ? undefined : await readMacKey(deps, issuer, eab)
  const registered = await account.register({
    contact,
    eab: eab === undefined || hmacKey === undefined ? undefined : { keyId: eab.keyID, hmacKey },
  })
  if (!registered.created && (before?.lastRegisteredEmail ?? '') !== email)
    await account.updateAccount({ contact })
  return {
    reason: 'ACMEAccountRegistered',
    message,
    acme: { uri: registered.url, lastRegisteredEmail: email, lastPrivateKeyHash: account.keyHash },
  }
}

/** Found out here, where nothing is ordered yet, and told with the names to choose from. */
async function checkProfile(account: AcmeClient, profile: string | undefined): Promise<void> {
  if (profile === undefined) return
  const { profiles = {} } = (await account.directory()).meta
  if (Object.hasOwn(profiles, profile)) return
  const offered = Object.keys(profiles).join(', ') || 'none'
  throw new CertloomError(
    'InvalidSpec',
    `spec.acme.profile: the server does not offer ${profile}; it offers: ${offered}`,
  )
}

function sameHost(accountUrl: string | undefined, directoryUrl: string): boolean {
  if (accountUrl === undefined || !URL.canParse(accountUrl) || !URL.canParse(directoryUrl)) return false
  return new URL(accountUrl).host === new URL(directoryUrl).host
}

/** Upstream's reasons where it has one, else the code of the failure. */
function describeProblem(
  issuer: Issuer,
  error: unknown,
  failure: Failure,
): [reason: string, message: string] {
  const text = describeFailure(failure)
  if (issuer.spec.acme === undefined) {
    if (
      failure.code === 'SecretNotFound' ||
      failure.code === 'SecretInvalid' ||
      failure.code === 'SecretKeyMissing'
    ) {
      return ['ErrGetKeyPair', `Error getting keypair for CA issuer: ${text}`]
    }
    return [failure.code, text]
  }
  if (failure.code === 'UnsupportedSolver' || failure.message.includes('.solvers['))
    return ['InvalidSolver', text]
  if (error instanceof AcmeProblem || failure.code === 'CaUnreachable') {
    return ['ErrRegisterACMEAccount', `Failed to register ACME account: ${text}`]
  }
  return [failure.code, text]
}

/** True where the condition says something new. */
async function writeReady(
  deps: ActivityDeps,
  name: IssuerName,
  issuer: Issuer,
  status: 'True' | 'False',
  reason: string,
  message: string,
  acme?: Verified['acme'],
): Promise<boolean> {
  const before = issuer.status?.conditions?.find((condition) => condition.type === 'Ready')
  const same = before?.status === status && before.reason === reason && before.message === message
  const condition = {
    type: 'Ready',
    status,
    reason,
    message,
    lastTransitionTime:
      before?.status === status
        ? before.lastTransitionTime
        : new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    observedGeneration: issuer.metadata.generation,
  }
  const others = (issuer.status?.conditions ?? []).filter((one) => one.type !== 'Ready')
  const next = { ...issuer.status, conditions: [...others, condition], acme: acme ?? issuer.status?.acme }
  if (canonicalJson(next) === canonicalJson(issuer.status ?? {})) return false
  await deps.kubernetes.patch(issuerPath(name, 'status'), [
    { op: 'test', path: '/metadata/uid', value: issuer.metadata.uid },
    { op: 'add', path: '/status', value: next },
  ])
  return !same
}
