import type { Prepared, Published } from '../activities.ts'
import { cleanUp } from './undo.ts'
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
  cause: { reason: string; message: string },
  onPrepared: (prepared: Prepared) => void,
): Promise<Published> {
  const { attempt } = issuance
  issuance.undo.push('discard attempt', async () => {
    await step('discardAttempt', attempt, { summary: 'discard key and request of this attempt' })
  })
  const prepared = await untilDone(issuance, 'prepare', undefined, () =>
    step(
      'prepare',
      { certificate: attempt.certificate, attempt: attempt.attempt, cause },
      { summary: `key and request, ${cause.reason}`, id: `prepare/${attempt.attempt}` },
    ),
  )
  onPrepared(prepared)
  for (const record of prepared.leftovers) await cleanUp(record, issuance.cluster, record.fqdn)

  const { request, temporarySecret, requestDigest } = prepared
  const publish = { ...attempt, revision: prepared.revision, request, temporarySecret, requestDigest }
  if (prepared.flow !== 'order') {
    return untilDone(issuance, 'publish', undefined, () =>
      step('publish', publish, {
        summary: `certificate into its Secret`,
        id: `publish/${prepared.revision}`,
      }),
    )
  }
  const order = await orderCertificate({ ...issuance, attempt: publish }, grants, request)
  const published = await untilDone(issuance, 'finalize', undefined, () =>
    step(
      'finalizeAndPublish',
      { ...publish, order },
      { summary: `finalize, then the Secret`, id: `finalize/${prepared.revision}` },
    ),
  )
  await issuance.undo.undone()
  return published
}
