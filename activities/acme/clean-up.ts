import { Context } from '@temporalio/activity'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import type { CleanUpInput, RecordReference } from '../../workflows/messages.ts'
import type { ActivityDeps } from '../deps.ts'
import { cleanUpRecord } from '../dns/registry.ts'
import type { Events } from '../events.ts'
import { CertloomError } from '../failure.ts'
import { readChallenge } from './objects.ts'
import { unclaim } from './present.ts'
import { providerDeps } from './solver.ts'

/**
 * Removes a challenge record, gives the lock of its name back and lets the Challenge go.
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
  try {
    await cleanUpRecord(record.handle, providerDeps(deps), { signal, heartbeat: () => Context.current().heartbeat() })
  } catch (error) {
    if (challenge !== undefined) {
      const text = error instanceof CertloomError ? error.failure.message : 'the provider failed'
      events.warning({ kind: 'Challenge', metadata: challenge.metadata }, 'CleanUpError', `Error cleaning up challenge: ${text}`)
      if (record.letGo === true) await unclaim(deps, challenge)
    }
    throw error
  }
  if (record.lock !== undefined) await deps.locks.release(record.fqdn, record.lock.requestId)
  if (challenge === undefined) return
  await unclaim(deps, challenge)
  const { namespace, name, uid } = challenge.metadata
  await deps.kubernetes.delete(apiPath('Challenge', namespace, name), { uid })
}

/**
 * Ends a clean-up that a week of tries has not finished: says so where people look, and lets lock and Challenge go. A
 * second run is harmless: it finds them gone.
 */
export async function giveUpCleanUp(deps: ActivityDeps, input: CleanUpInput, events: Events): Promise<void> {
  const { challenge: record } = input
  deps.log.error({ fqdn: record.fqdn, provider: record.provider, code: 'LeftBehind' }, 'a challenge record stays behind')
  if (record.lock !== undefined) await deps.locks.release(record.fqdn, record.lock.requestId)
  const challenge = await readChallenge(deps.kubernetes, record)
  if (challenge === undefined) return
  const message = `The record ${record.fqdn} could not be removed via ${record.provider}; remove it by hand`
  events.warning({ kind: 'Challenge', metadata: challenge.metadata }, 'LeftBehind', message)
  await unclaim(deps, challenge)
}
