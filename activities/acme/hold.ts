import { Context } from '@temporalio/activity'
import type { Challenge } from '../../k8s-bridge/api/challenge.ts'
import type { RecordReference } from '../../workflows/messages.ts'
import type { ActivityDeps } from '../deps.ts'
import { CertloomError } from '../failure.ts'
import { isStatus, KubernetesError } from '../clients/kubernetes.ts'
import { annotations } from '../objects.ts'
import { CHALLENGE_FINALIZER, patchChallengeMetadata, readChallenge } from './objects.ts'
import { LOCK_ANNOTATION, readClaim, sealClaim, type RecordClaim } from './record.ts'

/** The run of a workflow that an activity works for. */
export function ownRun(): { workflowId: string; runId: string } {
  const { workflowId = '', runId = '' } = Context.current().info.workflowExecution ?? {}
  return { workflowId, runId }
}

/**
 * Writes on a Challenge that its record may stand from now on. False where somebody changed the Challenge since it was
 * read: what was decided by that reading, such as a grant of the lock, counts no more. A claim that this run has
 * written before stays as it is.
 */
export async function writeClaim(
  deps: ActivityDeps,
  challenge: Challenge,
  claim: Omit<RecordClaim, 'v' | 'workflowId' | 'runId'>,
): Promise<boolean> {
  const key = await deps.recordKey()
  const run = ownRun()
  if (readClaim(challenge, key)?.runId === run.runId) return true
  return unlessChanged(async () => {
    const claimed = await patchChallengeMetadata(deps.kubernetes, challenge, {
      finalizers: [...new Set([...(challenge.metadata.finalizers ?? []), CHALLENGE_FINALIZER])],
      annotations: {
        ...challenge.metadata.annotations,
        [annotations.record]: sealClaim({ v: 1, ...claim, ...run }, key),
      },
    })
    if (claimed === undefined)
      throw new CertloomError('ObjectGone', `Challenge ${challenge.metadata.name} is gone`)
  })
}

/** Takes the claim off a Challenge, as long as it is as it was read; false where it has changed. */
export async function dropClaim(deps: ActivityDeps, challenge: Challenge): Promise<boolean> {
  const { [annotations.record]: _record, ...rest } = challenge.metadata.annotations ?? {}
  const finalizers = (challenge.metadata.finalizers ?? []).filter(
    (finalizer) => finalizer !== CHALLENGE_FINALIZER,
  )
  return unlessChanged(async () => {
    await patchChallengeMetadata(deps.kubernetes, challenge, { finalizers, annotations: rest })
  })
}

/** Takes the claim off a Challenge, whatever else was written on it meanwhile. */
export async function unclaim(deps: ActivityDeps, record: Pick<RecordReference, 'challenge'>): Promise<void> {
  for (;;) {
    const challenge = await readChallenge(deps.kubernetes, record)
    if (challenge === undefined || !bearsClaim(challenge) || (await dropClaim(deps, challenge))) return
  }
}

function bearsClaim({ metadata }: Challenge): boolean {
  const { annotations: written = {}, finalizers = [] } = metadata
  return annotations.record in written || finalizers.includes(CHALLENGE_FINALIZER)
}

/**
 * Makes void what a lock may have granted: who was about to claim the record finds the Challenge changed and asks
 * again. False where the Challenge was changed at that very moment.
 *
 * @param by names this look and no other: the same text a second time would change nothing, and so make nothing void
 */
export async function revokeGrant(deps: ActivityDeps, challenge: Challenge, by: string): Promise<boolean> {
  return unlessChanged(async () => {
    await patchChallengeMetadata(deps.kubernetes, challenge, {
      finalizers: challenge.metadata.finalizers ?? [],
      annotations: { ...challenge.metadata.annotations, [LOCK_ANNOTATION]: by },
    })
  })
}

/**
 * Whether there may be a record to remove, with the lock of its name in hand where the provider needs it: a removal by
 * name would take the record of whoever holds the name.
 *
 * The run that claimed the record holds the name until it gives it back. Everybody else asks: another run may have
 * come first, or the lock itself may have removed what a lost run left.
 *
 * @throws CertloomError CleanUpPending while another one has the name
 */
export async function mayRemove(deps: ActivityDeps, record: RecordReference): Promise<boolean> {
  if (record.lock === undefined) return true
  for (;;) {
    const seen = await standing(deps, record)
    if (seen.stands === 'no') return false
    const run = ownRun()
    if (seen.claim?.runId === run.runId) return true
    const { requestId } = record.lock
    const { workflowId } = run
    const { challenge, fqdn } = record
    const holding = seen.claim !== undefined
    const answer = await deps.locks.acquire(fqdn, { v: 1, requestId, workflowId, challenge, holding })
    if (!answer.granted) {
      // Not to keep a place in the queue that nobody may come to take.
      await deps.locks.release(fqdn, requestId)
      if ((await standing(deps, record)).stands === 'no') return false
      throw new CertloomError(
        'CleanUpPending',
        `${fqdn} is in use by ${answer.holder ?? 'another certificate'}`,
      )
    }
    // Claimed as ours, so that the lock knows whom to look for; where it changed meanwhile, all is asked anew.
    if (seen.challenge === undefined || seen.claim === undefined) return true
    if (await writeClaim(deps, seen.challenge, seen.claim)) return true
  }
}

interface Standing {
  /** `maybe` where the Challenge that could tell is gone or has lost what we wrote on it. */
  stands: 'yes' | 'maybe' | 'no'
  challenge?: Challenge
  claim?: RecordClaim
}

async function standing(deps: ActivityDeps, record: RecordReference): Promise<Standing> {
  const challenge = await readChallenge(deps.kubernetes, record)
  if (challenge === undefined) return { stands: 'maybe' }
  const claim = readClaim(challenge, await deps.recordKey())
  if (claim !== undefined) return { stands: 'yes', challenge, claim }
  return { stands: challenge.status?.presented === true ? 'maybe' : 'no', challenge }
}

async function unlessChanged(write: () => Promise<void>): Promise<boolean> {
  try {
    await write()
    return true
  } catch (error) {
    if (error instanceof KubernetesError && (error.isPreconditionFailed || isStatus(error, 409))) return false
    throw error
  }
}
