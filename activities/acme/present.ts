import { Context } from '@temporalio/activity'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import type { Challenge } from '../../k8s-bridge/api/challenge.ts'
import type { Order } from '../../k8s-bridge/api/order.ts'
import type { ChallengeInput, Presented } from '../../workflows/activities.ts'
import type { ActivityDeps } from '../deps.ts'
import type { Events } from '../events.ts'
import { CertloomError } from '../failure.ts'
import { builtInIssuer, readIssuer, type LiveIssuer } from '../issuers/issuer.ts'
import { ownRun, writeClaim } from './hold.ts'
import { placeOf, requireChallenge } from './objects.ts'
import { readClaim } from './record.ts'
import { providerFor } from './solver.ts'
import { Waiting, showWaiting } from './waiting.ts'

/**
 * Puts the record of one challenge up. The Challenge says so before the provider is asked: whoever comes after a
 * crash finds what may stand in DNS. A provider that cannot hold two values is asked only under the lock of the name.
 *
 * A second run is harmless: the lock knows its holder, a claim that is there tells that the record may stand, and
 * providers put the same value up once.
 */
export async function presentChallenge(
  deps: ActivityDeps,
  input: ChallengeInput,
  signal: AbortSignal,
  events: Events,
): Promise<Presented> {
  const { kubernetes } = deps
  const { plan } = input
  const challenge = await requireChallenge(kubernetes, plan)
  const issuer = await issuerOf(deps, challenge)
  const provider = providerFor(deps, issuer, challenge.spec.solver)
  await provider.ready()
  const order = await kubernetes.get<Order>(apiPath('Order', plan.challenge.namespace, input.order))
  const taken = await take(deps, input, challenge, placeOf(order)?.url ?? '')
  if (taken.queued !== undefined) return { queued: taken.queued }
  const { standing } = taken
  const subject = { kind: 'Challenge' as const, metadata: challenge.metadata }
  if (!standing) events.normal(subject, 'Started', 'Challenge scheduled for processing')
  const waiting = new Waiting(deps, input, challenge, { presented: false })
  const heartbeat = () => {
    Context.current().heartbeat()
    waiting.see(`Waiting for ${plan.provider} to write the record ${plan.fqdn}`)
  }
  try {
    await provider.present(
      { fqdn: plan.fqdn, domain: challenge.spec.dnsName, value: challenge.spec.key },
      { signal, heartbeat, again: standing },
    )
  } catch (error) {
    await waiting.over()
    const text = error instanceof CertloomError ? error.failure.message : 'the provider failed'
    await showWaiting(deps, input, challenge, text, false)
    // Once for each text: a plugin that fails at every look would fill the list of events.
    if (challenge.status?.reason !== text)
      events.warning(subject, 'PresentError', `Error presenting challenge: ${text}`)
    throw error
  }
  // What was shown before, a failure or the wait for the provider, is not true any more.
  const shown = await waiting.over()
  if (shown.status?.reason !== undefined)
    await showWaiting(deps, input, shown, 'Waiting for DNS-01 challenge propagation', true)
  events.normal(subject, 'Presented', 'Presented challenge using DNS-01 challenge mechanism')
  return {}
}

async function issuerOf(deps: ActivityDeps, challenge: Challenge): Promise<LiveIssuer> {
  const name = builtInIssuer(challenge.spec.issuerRef, challenge.metadata.namespace ?? '')
  const issuer = name === undefined ? undefined : await readIssuer(deps, name)
  if (issuer === undefined)
    throw new CertloomError('IssuerNotFound', `the issuer of Challenge ${challenge.metadata.name} is gone`)
  return issuer
}

/**
 * Takes the name and claims the record, in this order: a claim is the word of a holder, so at any time at the most one
 * Challenge of a name bears one. The claim is written on the Challenge as it was read before the lock was asked. A lock
 * that starts without memory changes every Challenge without a claim, so a grant of its lost predecessor is worth
 * nothing any more.
 */
async function take(
  deps: ActivityDeps,
  input: ChallengeInput,
  read: Challenge,
  order: string,
): Promise<Presented & { standing: boolean }> {
  const { plan } = input
  const key = await deps.recordKey()
  for (let challenge = read; ; challenge = await requireChallenge(deps.kubernetes, plan)) {
    const claim = readClaim(challenge, key)
    if (plan.exclusive) {
      const answer = await deps.locks.acquire(plan.fqdn, {
        v: 1,
        requestId: plan.challenge.uid,
        workflowId: ownRun().workflowId,
        challenge: plan.challenge,
        holding: claim !== undefined,
      })
      if (!answer.granted) {
        const { position, holder = 'another certificate' } = answer
        return { queued: { position, holder }, standing: claim !== undefined }
      }
    }
    const since = claim?.since ?? new Date().toISOString()
    const claimed = await writeClaim(deps, challenge, { order, since, record: plan.record })
    if (claimed) return { standing: claim !== undefined }
  }
}
