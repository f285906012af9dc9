import { Context } from '@temporalio/activity'
import type { Challenge } from '../../k8s-bridge/api/challenge.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import type { Order } from '../../k8s-bridge/api/order.ts'
import type { ObjectMetadata } from '../../k8s-bridge/api/metadata.ts'
import type { FailureCode } from '../../workflows/domain/failures.ts'
import type { CleanUpInput, RecordReference } from '../../workflows/messages.ts'
import type { ActivityDeps } from '../deps.ts'
import { cleanUpRecord } from '../dns/registry.ts'
import type { Events } from '../events.ts'
import { CertloomError } from '../failure.ts'
import { noteFacts } from '../step-log.ts'
import { isFinal, readChallenge, writeChallengeStatus } from './objects.ts'
import { mayRemove, unclaim } from './hold.ts'
import { providerDeps } from './solver.ts'

/** How long a Challenge that is to go waits for its record to go first, in milliseconds. */
const LONGEST_HOLD_MS = 600_000
const LOST_CREDENTIALS: readonly FailureCode[] = ['SecretNotFound', 'SecretKeyMissing']

/**
 * Removes a challenge record, lets the Challenge go (or leaves it to its order, which takes all of them at once) and
 * gives the lock of its name back: in this order, so that no claim stands when the next one is served, and no removal
 * is repeated then.
 *
 * A second run is harmless: a record that is gone, a lock that is free and a Challenge that is deleted are all fine.
 */
export async function cleanUpChallenge(
  deps: ActivityDeps,
  record: RecordReference,
  signal: AbortSignal,
  events: Events,
): Promise<void> {
  const challenge = await readChallenge(deps.kubernetes, record)
  const subject = challenge && { kind: 'Challenge' as const, metadata: challenge.metadata }
  try {
    if (await mayRemove(deps, record)) {
      await cleanUpRecord(record.handle, providerDeps(deps), {
        signal,
        heartbeat: () => Context.current().heartbeat(),
      })
    }
  } catch (error) {
    if (challenge === undefined || subject === undefined) throw error
    const text = error instanceof CertloomError ? error.failure.message : 'the provider failed'
    const reason = `Error cleaning up challenge: ${text}`
    if (challenge.status?.reason !== reason) {
      events.warning(subject, 'CleanUpError', reason)
      const proven = record.withOrder === true ? { state: 'valid' as const } : {}
      await writeChallengeStatus(deps.kubernetes, challenge, { ...proven, presented: true, reason })
    }
    if (await isHopeless(deps, record, error)) return leaveBehind(deps, record, events)
    if (heldTooLong(challenge)) await unclaim(deps, record)
    throw error
  }
  await letGo(deps, record, challenge)
  if (record.lock !== undefined) await deps.locks.release(record.fqdn, record.lock.requestId)
}

/**
 * Takes the claim off and the Challenge away. One that does not go with its order is deleted first, while the claim
 * still holds it: the end of the order takes away what nothing holds, and would delete it once more.
 */
async function letGo(deps: ActivityDeps, record: RecordReference, challenge: Challenge | undefined) {
  const remove = async ({ metadata: { namespace, name, uid } }: Challenge) => {
    await deps.kubernetes.delete(apiPath('Challenge', namespace, name), { uid })
  }
  if (challenge !== undefined && record.withOrder !== true) await remove(challenge)
  await unclaim(deps, record)
  if (challenge !== undefined && record.withOrder === true && !(await goesWithOrder(deps, challenge)))
    await remove(challenge)
}

/**
 * Whether the order will take the Challenge away: not, once it is over. It looks for Challenges without a claim after
 * it has said so, and this one has lost its claim before: one of the two sees the other.
 */
async function goesWithOrder({ kubernetes }: ActivityDeps, { metadata }: Challenge): Promise<boolean> {
  const owner = (metadata.ownerReferences ?? []).find((one) => one.controller === true)
  if (owner === undefined) return false
  const order = await kubernetes.get<Order>(apiPath('Order', metadata.namespace, owner.name))
  return order?.metadata.uid === owner.uid && !isFinal(order)
}

/**
 * Ends a clean-up that a week of tries has not finished: says so where people look, and lets lock and Challenge go. A
 * second run is harmless: it finds them gone.
 */
export async function giveUpCleanUp(deps: ActivityDeps, input: CleanUpInput, events: Events): Promise<void> {
  return leaveBehind(deps, input.challenge, events)
}

async function leaveBehind(deps: ActivityDeps, record: RecordReference, events: Events): Promise<void> {
  noteFacts({ leftBehind: true })
  deps.log.error(
    { fqdn: record.fqdn, provider: record.provider, code: 'LeftBehind' },
    'a challenge record stays behind',
  )
  const challenge = await readChallenge(deps.kubernetes, record)
  if (challenge !== undefined) {
    const message = `The record ${record.fqdn} could not be removed via ${record.provider}; remove it by hand`
    events.warning({ kind: 'Challenge', metadata: challenge.metadata }, 'LeftBehind', message)
    await unclaim(deps, record)
  }
  if (record.lock !== undefined) await deps.locks.release(record.fqdn, record.lock.requestId)
}

/** Never holds a namespace up for longer than ten minutes; the tries go on without the Challenge. */
function heldTooLong({ metadata }: Challenge): boolean {
  const { deletionTimestamp } = metadata
  return deletionTimestamp !== undefined && Date.parse(deletionTimestamp) + LONGEST_HOLD_MS < Date.now()
}

/** The credentials went with the namespace that is being deleted: no later try can have them. */
async function isHopeless(
  { kubernetes }: ActivityDeps,
  { challenge, handle }: RecordReference,
  error: unknown,
): Promise<boolean> {
  if (!(error instanceof CertloomError) || !LOST_CREDENTIALS.includes(error.failure.code)) return false
  if (secretNamespace(handle) !== challenge.namespace) return false
  const path = apiPath('Namespace', undefined, challenge.namespace)
  const namespace = await kubernetes.get<{ metadata: ObjectMetadata }>(path)
  return namespace === undefined || namespace.metadata.deletionTimestamp !== undefined
}

/** Where the credentials of a record are; undefined where its provider needs none. */
function secretNamespace(handle: unknown): string | undefined {
  return (handle as { secretRef?: { namespace?: string } } | undefined)?.secretRef?.namespace
}
