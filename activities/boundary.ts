import { Context } from '@temporalio/activity'
import { ApplicationFailure, ApplicationFailureCategory, CancelledFailure } from '@temporalio/common'
import { cleanText } from './clean-text.ts'
import { KubernetesError } from './clients/kubernetes.ts'
import { CertloomError } from './failure.ts'

/** How often a running activity says that it is alive, in milliseconds; what is sent is throttled by the worker. */
const HEARTBEAT_MS = 500

/** Activities that have done their work, while their result is on its way. */
const ended = new WeakSet<Context>()

/**
 * The edge between activities and Temporal: beats the heart while the activity runs and turns every error into an
 * ApplicationFailure of the closed list, without stack traces and with cleaned texts.
 */
export async function atBoundary<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const context = Context.current()
  // A local activity has nobody to beat for: it ends within its workflow task.
  const beat = context.info.isLocal ? undefined : setInterval(() => context.heartbeat(), HEARTBEAT_MS)
  try {
    return await run(context.cancellationSignal)
  } catch (error) {
    // An activity that was told to stop reports the stop, not what broke because of it.
    if (context.cancellationSignal.aborted) throw new CancelledFailure('the step was cancelled')
    throw toApplicationFailure(error)
  } finally {
    clearInterval(beat)
    ended.add(context)
  }
}

/**
 * Whether what is handed to Temporal now is the result of an activity, which can still be refused; as against a
 * heartbeat or a workflow task, which would be tried again for ever.
 */
export function isResult(): boolean {
  try {
    return ended.has(Context.current())
  } catch {
    // No activity at all.
    return false
  }
}

export function toApplicationFailure(error: unknown): Error {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error
  const known = toCertloomError(error)
  const { failure, kind } = known
  const failed = ApplicationFailure.create({
    message: known.message,
    type: failure.code,
    // The next try has to be told of an order that could not be written down: the workflow does so.
    nonRetryable: kind !== 'transient' || failure.placed !== undefined,
    details: [failure],
    // What the world does is not an error of the worker: no failure metric, no red log line.
    category: failure.code === 'Internal' ? undefined : ApplicationFailureCategory.BENIGN,
  })
  // The stack would carry paths of this machine into history and UI.
  failed.stack = undefined
  return failed
}

/** Any error as one of ours; what nobody foresaw is `Internal`. */
export function toCertloomError(error: unknown): CertloomError {
  if (error instanceof CertloomError) return error
  if (error instanceof KubernetesError) return fromKubernetes(error)
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return new CertloomError('Internal', cleanText(text), { cause: error })
}

function fromKubernetes(error: KubernetesError): CertloomError {
  const text = `${error.method} ${error.path}: ${error.message}`
  if (error.status === 403 && !error.message.includes('because it is being terminated')) {
    return new CertloomError('Forbidden', text, { cause: error })
  }
  if (error.status === 422 && !error.isPreconditionFailed)
    return new CertloomError('Forbidden', text, { cause: error })
  return new CertloomError('KubernetesUnavailable', text, { cause: error })
}
