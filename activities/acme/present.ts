import { Context } from '@temporalio/activity'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import type { Challenge } from '../../k8s-bridge/api/challenge.ts'
import type { Order } from '../../k8s-bridge/api/order.ts'
import type { ChallengeInput, Presented } from '../../workflows/activities.ts'
import type { ActivityDeps } from '../deps.ts'
import type { Events } from '../events.ts'
import { CertloomError } from '../failure.ts'
import { builtInIssuer, readIssuer, type LiveIssuer } from '../issuers/issuer.ts'
import { annotations } from '../objects.ts'
import { now } from './create-order.ts'
import { CHALLENGE_FINALIZER, patchChallengeMetadata, requireChallenge, writeChallengeStatus } from './objects.ts'
import { readClaim, sealClaim } from './record.ts'
import { providerFor } from './solver.ts'

/**
 * Puts the record of one challenge up. The Challenge says so before the provider is asked: whoever comes after a
 * crash finds what may stand in DNS. A provider that cannot hold two values is asked only under the lock of the name.
 *
 * A second run is harmless: the claim is there already, the lock knows its holder, and providers put the same value
 * up once.
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
  const standing = readClaim(challenge, await deps.recordKey())

  const claimed = await claim(deps, challenge, input, order?.status?.url ?? '', standing?.since)
  if (plan.exclusive) {
    const answer = await deps.locks.acquire(plan.fqdn, {
      v: 1,
      requestId: plan.challenge.uid,
      workflowId: Context.current().info.workflowExecution?.workflowId ?? '',
      challenge: plan.challenge,
      deadline: input.deadline,
      holding: standing !== undefined,
    })
    if (!answer.granted) {
      // Only who may hold the name claims it: a claim of a mere waiter would mislead a lock that starts anew.
      if (standing === undefined) await unclaim(deps, claimed)
      return { queued: { position: answer.position, holder: answer.holder ?? 'another certificate' } }
    }
  }
  const subject = { kind: 'Challenge' as const, metadata: challenge.metadata }
  if (standing === undefined) events.normal(subject, 'Started', 'Challenge scheduled for processing')
  try {
    await provider.present(
      { fqdn: plan.fqdn, domain: challenge.spec.dnsName, value: challenge.spec.key },
      { signal, heartbeat: () => Context.current().heartbeat(), again: standing !== undefined },
    )
  } catch (error) {
    const text = error instanceof CertloomError ? error.failure.message : 'the provider failed'
    await writeChallengeStatus(kubernetes, challenge, { state: 'pending', processing: true, reason: text })
    events.warning(subject, 'PresentError', `Error presenting challenge: ${text}`)
    throw error
  }
  await writeChallengeStatus(kubernetes, challenge, {
    state: 'pending',
    processing: true,
    presented: true,
    presentedAt: challenge.status?.presentedAt ?? now(),
    reason: 'Waiting for DNS-01 challenge propagation',
  })
  events.normal(subject, 'Presented', 'Presented challenge using DNS-01 challenge mechanism')
  return {}
}

async function issuerOf(deps: ActivityDeps, challenge: Challenge): Promise<LiveIssuer> {
  const name = builtInIssuer(challenge.spec.issuerRef, challenge.metadata.namespace ?? '')
  const issuer = name === undefined ? undefined : await readIssuer(deps, name)
  if (issuer === undefined) throw new CertloomError('IssuerNotFound', `the issuer of Challenge ${challenge.metadata.name} is gone`)
  return issuer
}

async function claim(
  deps: ActivityDeps,
  challenge: Challenge,
  input: ChallengeInput,
  order: string,
  since: string | undefined,
): Promise<Challenge> {
  if (since !== undefined) return challenge
  const text = sealClaim(
    {
      v: 1,
      order,
      since: new Date().toISOString(),
      deadline: input.deadline,
      workflowId: Context.current().info.workflowExecution?.workflowId ?? '',
      record: input.plan.record,
    },
    await deps.recordKey(),
  )
  const finalizers = [...new Set([...(challenge.metadata.finalizers ?? []), CHALLENGE_FINALIZER])]
  const claimed = await patchChallengeMetadata(deps.kubernetes, challenge, {
    finalizers,
    annotations: { ...challenge.metadata.annotations, [annotations.record]: text },
  })
  if (claimed === undefined) throw new CertloomError('ObjectGone', `Challenge ${challenge.metadata.name} is gone`)
  return claimed
}

export async function unclaim(deps: ActivityDeps, challenge: Challenge): Promise<void> {
  const { [annotations.record]: _record, ...rest } = challenge.metadata.annotations ?? {}
  const finalizers = (challenge.metadata.finalizers ?? []).filter((finalizer) => finalizer !== CHALLENGE_FINALIZER)
  await patchChallengeMetadata(deps.kubernetes, challenge, { finalizers, annotations: rest })
}
