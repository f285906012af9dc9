import { Context } from '@temporalio/activity'
import type {
  CertificateActivities,
  CertificateReference,
  CleanUpActivities,
  IssuerActivities,
  LockActivities,
} from '../workflows/activities.ts'
import { abandonOrder } from './acme/abandon.ts'
import { withAccount } from './acme/lost-account.ts'
import { answerChallenge } from './acme/answer.ts'
import { cleanUpChallenge, giveUpCleanUp } from './acme/clean-up.ts'
import { createOrder } from './acme/create-order.ts'
import { finalizeAndPublish } from './acme/finalize.ts'
import { presentChallenge } from './acme/present.ts'
import { checkPropagation } from './acme/propagation.ts'
import { atBoundary } from './boundary.ts'
import { look } from './certificate/look.ts'
import { prepare } from './certificate/prepare.ts'
import { publish } from './certificate/publish.ts'
import { reportBlocked } from './certificate/report-blocked.ts'
import { discardAttempt, failAttempt, updateStatus } from './certificate/settle.ts'
import type { ActivityDeps } from './deps.ts'
import { Events } from './events.ts'
import { verifyIssuer } from './issuers/verify.ts'
import { findClaims, inspectHolder } from './locks.ts'

/** Components that events name as their source; dashboards know upstream's. */
const sources = {
  certificate: 'cert-manager-certificates-issuing',
  issuer: 'cert-manager-issuers',
  acme: 'cert-manager-challenges',
} as const

/** The activities of the main task queue. */
export function createActivities(
  deps: ActivityDeps,
): CertificateActivities & IssuerActivities & CleanUpActivities {
  const run = <T>(source: keyof typeof sources, work: (events: Events, signal: AbortSignal) => Promise<T>) =>
    atBoundary(async (signal) => {
      const events = eventsOf(deps, sources[source])
      try {
        return await work(events, signal)
      } finally {
        await events.written()
      }
    })
  /** A step of an attempt, with the account of its issuer where it has one. */
  const attempt = <T>(
    certificate: CertificateReference,
    source: keyof typeof sources,
    work: (events: Events, signal: AbortSignal) => Promise<T>,
  ) => run(source, (events, signal) => withAccount(deps, certificate, events, () => work(events, signal)))
  return {
    look: (input) => atBoundary(() => look(deps, input)),
    prepare: (input) => attempt(input.certificate, 'certificate', (events) => prepare(deps, input, events)),
    createOrder: (input) => attempt(input.certificate, 'acme', (events) => createOrder(deps, input, events)),
    presentChallenge: (input) =>
      attempt(input.certificate, 'acme', (events, signal) => presentChallenge(deps, input, signal, events)),
    checkPropagation: (input) =>
      attempt(input.certificate, 'acme', (_events, signal) => checkPropagation(deps, input, signal)),
    answerChallenge: (input) =>
      attempt(input.certificate, 'acme', (events, signal) => answerChallenge(deps, input, signal, events)),
    cleanUpChallenge: (record) =>
      run('acme', (events, signal) => cleanUpChallenge(deps, record, signal, events)),
    finalizeAndPublish: (input) =>
      attempt(input.certificate, 'certificate', (events, signal) =>
        finalizeAndPublish(deps, input, signal, events),
      ),
    publish: (input) => attempt(input.certificate, 'certificate', (events) => publish(deps, input, events)),
    failAttempt: (input) => run('certificate', (events) => failAttempt(deps, input, events)),
    discardAttempt: (input) => run('certificate', () => discardAttempt(deps, input)),
    abandonOrder: (input) => run('acme', () => abandonOrder(deps, input)),
    reportBlocked: (input) => run('certificate', (events) => reportBlocked(deps, input, events)),
    updateStatus: (input) => run('certificate', (events) => updateStatus(deps, input, events)),
    verifyIssuer: (input) => run('issuer', (events) => verifyIssuer(deps, input, events)),
    giveUpCleanUp: (input) => run('acme', (events) => giveUpCleanUp(deps, input, events)),
  }
}

/** The activities of the queue of locks; a lock that several clusters share asks each about its own Challenges. */
export function createLockActivities(deps: ActivityDeps): LockActivities {
  return {
    findClaims: (input) => atBoundary(() => findClaims(deps, input)),
    inspectHolder: (input) => atBoundary((signal) => inspectHolder(deps, input, signal)),
  }
}

function eventsOf(deps: ActivityDeps, source: string): Events {
  const { scheduledTimestampMs, activityId } = Context.current().info
  return new Events(deps.kubernetes, deps.log, source, scheduledTimestampMs, activityId)
}
