import type { ReportInput } from '../../workflows/activities.ts'
import { describeStall } from '../../workflows/domain/describe-stall.ts'
import type { ActivityDeps } from '../deps.ts'
import type { Events } from '../events.ts'
import { writeStatus } from './status.ts'
import { ownCertificate } from './view.ts'

/**
 * Shows on the Certificate what its attempt waits for, or that it waits no longer. A second run is harmless: an equal
 * status is not written, and what stood there before is not told again as an event.
 */
export async function reportBlocked(deps: ActivityDeps, input: ReportInput, events: Events): Promise<void> {
  const { failure } = input
  const certificate = await ownCertificate(deps.kubernetes, input.certificate)
  if (certificate === undefined) return
  let news = false
  await writeStatus(deps.kubernetes, certificate, (draft) => {
    const before = draft.condition('Stalled')?.message
    if (draft.condition('Ready') === undefined)
      draft.set('Ready', 'False', 'DoesNotExist', 'Issuing certificate as Secret does not exist')
    draft.stall(failure)
    news = draft.condition('Stalled')?.message !== before
  })
  if (news && failure !== undefined) {
    events.warning(
      { kind: 'Certificate', metadata: certificate.metadata },
      failure.code,
      describeStall(failure),
    )
  }
}
