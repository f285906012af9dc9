import type { Prepared, Published } from '../activities.ts'
import type { IssueDecision } from '../domain/issue-reasons.ts'
import { unpack } from '../domain/packed.ts'
import { cleanUpLeftover } from './undo.ts'
import { untilDone, type Issuance } from './context.ts'
import type { Grants } from './grants.ts'
import { orderCertificate } from './order.ts'
import { step } from './steps.ts'

/**
 * One issuance from the decision to the Secret. What blocks is waited for inside; what comes out as an error is a
 * judgement of the CA, a cancellation, or a bug.
 */
export async function issue(
  issuance: Issuance,
  grants: Grants,
  cause: IssueDecision,
  onPrepared: (prepared: Prepared) => void,
): Promise<Published> {
  const { attempt } = issuance
  issuance.undo.push('discard attempt', async () => {
    await step('discardAttempt', attempt, {
      summary: `discard key and request: ${issuance.whyUndone()}`,
    })
  })
  const prepared = await untilDone(issuance, 'key and request', undefined, () =>
    step(
      'prepare',
      { certificate: attempt.certificate, attempt: attempt.attempt, cause },
      {
        summary: `revision ${attempt.revision}${issuance.tries > 1 ? `, try ${issuance.tries}` : ''}: key and request, because ${cause.reason}`,
        id: `prepare/${attempt.attempt}`,
      },
    ),
  )
  onPrepared(prepared)
  for (const record of unpack(prepared.leftovers)) await cleanUpLeftover(record, issuance.owner)

  const { request, temporarySecret, requestDigest } = prepared
  const publish = { ...attempt, revision: prepared.revision, request, temporarySecret, requestDigest }
  if (prepared.flow !== 'order') {
    issuance.solvers([])
    return untilDone(issuance, request, undefined, () => {
      issuance.publishes()
      return step('publish', publish, {
        summary: `${request}: certificate into its Secret`,
        id: `publish/${prepared.revision}`,
      })
    })
  }
  const order = await orderCertificate({ ...issuance, attempt: publish }, grants, request)
  const published = await untilDone(issuance, request, undefined, () => {
    issuance.publishes()
    return step(
      'finalizeAndPublish',
      { ...publish, order },
      { summary: `${request}: certificate from the CA into its Secret`, id: `finalize/${prepared.revision}` },
    )
  })
  await issuance.undo.undone()
  return published
}
