import { Context } from '@temporalio/activity'
import type { DnsNameInput, LockHolder } from '../workflows/messages.ts'
import { CLEAN_UP_ID } from '../workflows/domain/clean-up.ts'
import type { LockClaim } from '../workflows/domain/lock-queue.ts'
import { claimsAt } from './acme/claims.ts'
import { dropClaim, ownRun, revokeGrant } from './acme/hold.ts'
import { providerDeps } from './acme/solver.ts'
import { readChallenge, writeChallengeStatus } from './acme/objects.ts'
import { readClaim } from './acme/record.ts'
import { isStatus } from './clients/kubernetes.ts'
import type { ActivityDeps } from './deps.ts'
import { cleanUpRecord } from './dns/registry.ts'

/**
 * Who may hold a name, by what Challenges say; grants of a lost lock that nobody has made use of yet are made void. A
 * second run reads again and changes nothing that the first has changed.
 */
export async function findClaims(deps: ActivityDeps, input: DnsNameInput): Promise<LockClaim[]> {
  const claims = await claimsAt(deps, input.fqdn, ownRun().runId, input.first)
  return claims.map(({ record, workflowId, since }) => ({
    requestId: record.lock?.requestId ?? record.challenge.uid,
    workflowId,
    challenge: record.challenge,
    taskQueue: Context.current().info.taskQueue,
    since,
  }))
}

/**
 * Whether the holder of a name still has it. A holder whose run has ended cannot clean up any more: its record is
 * removed here, and only then is the name free. A second run is harmless: it finds the claim gone, and the lock hears
 * nothing of this holder until the look has ended.
 */
export async function inspectHolder(
  deps: ActivityDeps,
  holder: LockHolder & { fqdn: string },
  signal: AbortSignal,
): Promise<'holding' | 'gone'> {
  const challenge = await readChallenge(deps.kubernetes, holder)
  const claim = challenge && readClaim(challenge, await deps.recordKey())
  if (challenge === undefined || claim === undefined) {
    // A clean-up outlives its Challenge, and gives the name back in the end.
    if (holder.workflowId.startsWith(CLEAN_UP_ID) && (await deps.locks.isOpen(holder.workflowId)))
      return 'holding'
    // Granted, and no use was made of it: it is void now, even if that was about to happen.
    const look = `${ownRun().runId}/${Context.current().info.activityId}`
    if (challenge !== undefined && !(await revokeGrant(deps, challenge, look))) return 'holding'
    return 'gone'
  }
  if (await deps.locks.isOpen(claim.workflowId, claim.runId)) return 'holding'
  await cleanUpRecord(claim.record.handle, providerDeps(deps), {
    signal,
    heartbeat: () => Context.current().heartbeat(),
  })
  // A claim that was renewed meanwhile is of one that goes on.
  if (!(await dropClaim(deps, challenge))) return 'holding'
  await writeChallengeStatus(deps.kubernetes, challenge, { presented: false }).catch((error: unknown) => {
    // A Challenge that was only kept by its claim is gone now.
    if (!isStatus(error, 404)) throw error
  })
  return 'gone'
}
