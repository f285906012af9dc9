import type { ReportInput } from '../../workflows/activities.ts'
import { describeStall } from '../../workflows/domain/describe-stall.ts'
import { failures } from '../../workflows/domain/failures.ts'
import type { ActivityDeps } from '../deps.ts'
import type { Events } from '../events.ts'
import { writeStatus } from './status.ts'
import { ownCertificate } from './view.ts'

/**
 * Shows on the Certificate what an attempt waits for. Never fails the step that is waiting: its own failure says when to
 * look again. That a step was cancelled is told at the boundary, whatever failed.
 */
export async function reportBlocked(
  deps: ActivityDeps,
  input: Required<ReportInput>,
  events: Events,
): Promise<void> {
  const { code } = input.failure
  const { kind, acts } = failures[code]
  // An issuer that is just being verified, an order that is made anew: over before anybody could help. Of the rest only
  // the limit of a CA needs nobody, but it may last for hours, and whoever waits for the certificate wants to know.
  if (kind === 'transient' || (kind === 'blocked' && acts === 'nobody')) return
  try {
    await showBlocked(deps, input, events)
  } catch (error) {
    deps.log.warn({ error: String(error), code }, 'what blocks the step is not shown on the Certificate')
  }
}

async function showBlocked(deps: ActivityDeps, input: Required<ReportInput>, events: Events): Promise<void> {
  const certificate = await ownCertificate(deps.kubernetes, input.certificate)
  if (certificate === undefined) return
  let news = false
  await writeStatus(deps.kubernetes, certificate, (draft) => {
    const before = draft.condition('Stalled')?.message
    if (draft.condition('Ready') === undefined)
      draft.set('Ready', 'False', 'DoesNotExist', 'Issuing certificate as Secret does not exist')
    draft.stall(input.failure)
    news = draft.condition('Stalled')?.message !== before
  })
  if (news) {
    events.warning(
      { kind: 'Certificate', metadata: certificate.metadata },
      input.failure.code,
      describeStall(input.failure),
    )
  }
}
