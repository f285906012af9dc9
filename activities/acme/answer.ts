import type { Challenge } from '../../k8s-bridge/api/challenge.ts'
import type { Window, WindowInput } from '../../workflows/activities.ts'
import { AcmeProblem, problemText, type AcmeClient, type Authorization } from '../clients/acme.ts'
import type { ActivityDeps } from '../deps.ts'
import type { Events } from '../events.ts'
import { CertloomError } from '../failure.ts'
import { builtInIssuer, requireReadyIssuer } from '../issuers/issuer.ts'
import { acmeAccount } from './account.ts'
import { askAbout } from './lost-order.ts'
import { Polls } from './polls.ts'
import { requireChallenge, writeChallengeStatus } from './objects.ts'
import { Waiting } from './waiting.ts'

const VALIDATING = 'Waiting for the ACME server to validate the challenge'

/**
 * Tells the CA to validate and looks for one window whether it has. A second run is harmless: a challenge that was
 * answered is only looked at.
 */
export async function answerChallenge(
  deps: ActivityDeps,
  input: WindowInput,
  signal: AbortSignal,
  events: Events,
): Promise<Window> {
  const challenge = await requireChallenge(deps.kubernetes, input.plan)
  const name = builtInIssuer(challenge.spec.issuerRef, input.plan.challenge.namespace)
  if (name === undefined)
    throw new CertloomError('UnsupportedIssuer', 'the issuer is served by another controller')
  const account = await acmeAccount(deps, await requireReadyIssuer(deps, name))
  const started = Date.now()
  const since = input.since ?? new Date(started).toISOString()
  const polls = new Polls(started + input.windowMs, deps.settings)
  const waiting = new Waiting(deps, input, challenge)
  let tries = input.tries

  const ask = <T>(question: () => Promise<T>) =>
    askAbout(`the challenge of ${challenge.spec.dnsName}`, question)
  const pause = async (answered: { retryAfterMs?: number }) => {
    waiting.see(VALIDATING)
    const notBefore = await polls.pause(answered, signal)
    if (notBefore !== undefined) await waiting.show(VALIDATING)
    return notBefore && { done: false, finding: 'the CA is validating', tries, since, notBefore }
  }
  // Only what was asked before can have been answered: the first window of a challenge answers without a look.
  if (input.since === undefined) {
    const answered = await ask(() => answer(account, challenge))
    polls.posted()
    const over = await pause(answered)
    if (over) return over
  }
  for (;;) {
    tries += 1
    const authorization = await ask(() => account.authorization(challenge.spec.authorizationURL))
    if (authorization.status === 'valid') {
      await verified(deps, await waiting.over(), events)
      return { done: true, finding: 'the CA has validated', tries, since }
    }
    if (authorization.status !== 'pending')
      throw await refused(deps, await waiting.over(), authorization, events)
    const offered = authorization.challenges.find((one) => one.url === challenge.spec.url)
    if (offered?.status === 'pending' && tries > 2) await ask(() => answer(account, challenge))
    const over = await pause(authorization)
    if (over) return over
  }
}

/** A challenge that is valid or under way already refuses the answer; the look that follows tells. */
async function answer(account: AcmeClient, challenge: Challenge): Promise<{ retryAfterMs?: number }> {
  try {
    const { retryAfterMs } = await account.answer(challenge.spec.url)
    return { retryAfterMs }
  } catch (error) {
    const refused =
      error instanceof AcmeProblem && error.failure.code === 'AuthorizationInvalid' && error.status !== 404
    if (refused) return {}
    throw error
  }
}

async function verified({ kubernetes }: ActivityDeps, challenge: Challenge, events: Events): Promise<void> {
  // One that has never said that it waits goes with its order in an instant: the event tells enough.
  if (challenge.status?.state !== undefined)
    await writeChallengeStatus(kubernetes, challenge, {
      state: 'valid',
      reason: 'Successfully authorized domain',
    })
  const message = `Domain "${challenge.spec.dnsName}" verified with "DNS-01" validation`
  events.normal({ kind: 'Challenge', metadata: challenge.metadata }, 'DomainVerified', message)
}

async function refused(
  { kubernetes }: ActivityDeps,
  challenge: Challenge,
  authorization: Authorization,
  events: Events,
): Promise<CertloomError> {
  const problem = authorization.challenges.find((one) => one.error !== undefined)?.error
  const text = problem === undefined ? `the authorization is ${authorization.status}` : problemText(problem)
  const error = new CertloomError('AuthorizationInvalid', `${challenge.spec.dnsName}: ${text}`)
  await writeChallengeStatus(kubernetes, challenge, {
    state: 'invalid',
    reason: `Error accepting authorization: ${error.failure.message}`,
  })
  const message = `Accepting challenge authorization failed: ${error.failure.message}`
  events.warning({ kind: 'Challenge', metadata: challenge.metadata }, 'Failed', message)
  return error
}
