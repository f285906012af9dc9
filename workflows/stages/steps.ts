import {
  ActivityFailure,
  ApplicationFailure,
  TimeoutFailure,
  isCancellation,
  scheduleActivity,
  scheduleLocalActivity,
} from '@temporalio/workflow'
import { isFailureCode, type Failure } from '../domain/failures.ts'
import type {
  CertificateActivities,
  CleanUpActivities,
  IssuerActivities,
  LockActivities,
} from '../activities.ts'
import { shorten } from '../domain/summary.ts'

type Activities = CertificateActivities & IssuerActivities & CleanUpActivities & LockActivities
type Name = keyof Activities
type Input<N extends Name> = Parameters<Activities[N]>[0]
type Output<N extends Name> = Awaited<ReturnType<Activities[N]>>

/** How long one try may take, and how soon a lost worker is noticed. Both in milliseconds. */
interface Timing {
  startToClose: number
  heartbeat?: number
}

// A step that may outlast a second heartbeats: after a kill the next worker then takes over within seconds.
const timings: Record<Name, Timing> = {
  look: { startToClose: 20_000 },
  prepare: { startToClose: 120_000, heartbeat: 8_000 },
  createOrder: { startToClose: 60_000, heartbeat: 8_000 },
  presentChallenge: { startToClose: 1_320_000, heartbeat: 8_000 },
  checkPropagation: { startToClose: 400_000, heartbeat: 8_000 },
  answerChallenge: { startToClose: 400_000, heartbeat: 8_000 },
  cleanUpChallenge: { startToClose: 660_000, heartbeat: 8_000 },
  finalizeAndPublish: { startToClose: 180_000, heartbeat: 8_000 },
  publish: { startToClose: 60_000, heartbeat: 8_000 },
  failAttempt: { startToClose: 15_000 },
  discardAttempt: { startToClose: 15_000 },
  abandonOrder: { startToClose: 30_000, heartbeat: 8_000 },
  reportBlocked: { startToClose: 15_000 },
  updateStatus: { startToClose: 15_000 },
  verifyIssuer: { startToClose: 60_000, heartbeat: 8_000 },
  giveUpCleanUp: { startToClose: 30_000 },
  findClaims: { startToClose: 20_000 },
  inspectHolder: { startToClose: 660_000, heartbeat: 8_000 },
}

const retry = { initialInterval: 500, backoffCoefficient: 2, maximumInterval: 20_000 }

export interface StepOptions {
  /** What a person reads in the timeline: the name first, at most 64 characters. */
  summary: string
  /** Readable and unique among the pending ones, such as `present/example.com`. */
  id?: string
  /** Give up after so many tries; without it, transient failures are retried for ever. */
  tries?: number
  /** Whose workers carry it out; without it, those of the workflow's own queue. */
  taskQueue?: string
}

/** Runs one activity. Throws ActivityFailure; `failureOf` reads it. */
export function step<N extends Name>(name: N, input: Input<N>, options: StepOptions): Promise<Output<N>> {
  const { startToClose, heartbeat } = timings[name]
  return scheduleActivity<Output<N>>(name, [input], {
    startToCloseTimeout: startToClose,
    heartbeatTimeout: heartbeat,
    // The clean-up must not start while the effect may still happen.
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: { ...retry, maximumAttempts: options.tries },
    summary: shorten(options.summary),
    activityId: options.id,
    taskQueue: options.taskQueue,
  })
}

/** A look that usually decides *nothing to do*: a third of the price of an activity, and no line in the timeline. */
export function localStep<N extends Name>(name: N, input: Input<N>): Promise<Output<N>> {
  return scheduleLocalActivity<Output<N>>(name, [input], {
    startToCloseTimeout: timings[name].startToClose,
    retry,
  })
}

/**
 * The failure that an activity reported, or undefined where the error is something else (a cancellation, a bug). One
 * with a code that this release does not know, from a worker of a later one, counts as `Internal`.
 */
export function failureOf(error: unknown): Failure | undefined {
  if (isCancellation(error)) return undefined
  // The failure of a local activity comes bare, that of a normal one wrapped.
  const bare = error instanceof ActivityFailure ? error.cause : error
  // Where the last try was lost, what the one before it reported says more than that.
  const cause = bare instanceof TimeoutFailure && bare.cause instanceof ApplicationFailure ? bare.cause : bare
  if (!(cause instanceof ApplicationFailure || cause instanceof TimeoutFailure)) return undefined
  if (cause instanceof TimeoutFailure || !isFailureCode(cause.type))
    return { code: 'Internal', message: cause.message }
  const details = cause.details?.[0] as Failure | undefined
  return details ?? { code: cause.type, message: cause.message }
}
