import { Context } from '@temporalio/activity'
import type { DnsNameInput, LockHolder } from '../workflows/messages.ts'
import type { LockClaim } from '../workflows/domain/lock-queue.ts'
import { claimsAt } from './acme/claims.ts'
import { unclaim } from './acme/present.ts'
import { providerDeps } from './acme/solver.ts'
import { readChallenge } from './acme/objects.ts'
import type { ActivityDeps } from './deps.ts'
import { cleanUpRecord } from './dns/registry.ts'

/** Who may hold a name, by what Challenges say. Only reads: a second run reads again. */
export async function findClaims(deps: ActivityDeps, input: DnsNameInput): Promise<LockClaim[]> {
  const claims = await claimsAt(deps, input.fqdn)
  return claims.map(({ record, workflowId, since, deadline }) => ({
    requestId: record.lock?.requestId ?? record.challenge.uid,
    workflowId,
    challenge: record.challenge,
    since,
    deadline,
  }))
}

/**
 * Whether the holder of a name still has it. A holder whose workflow has ended cannot clean up any more: its record is
 * removed here, and only then is the name free. A second run is harmless: it finds the claim gone.
 */
export async function inspectHolder(
  deps: ActivityDeps,
  holder: LockHolder & { fqdn: string },
  signal: AbortSignal,
): Promise<'holding' | 'gone'> {
  const claims = await claimsAt(deps, holder.fqdn)
  const claim = claims.find((one) => one.record.challenge.uid === holder.challenge.uid)
  if (await deps.locks.isOpen(holder.workflowId)) {
    if (claim !== undefined) return 'holding'
    // The claim is written before the name is asked for: an open workflow without one has given it up or moved on.
    return 'gone'
  }
  if (claim === undefined) return 'gone'
  await cleanUpRecord(claim.record.handle, providerDeps(deps), { signal, heartbeat: () => Context.current().heartbeat() })
  const challenge = await readChallenge(deps.kubernetes, claim.record)
  if (challenge !== undefined) await unclaim(deps, challenge)
  return 'gone'
}
