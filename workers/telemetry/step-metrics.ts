import { ApplicationFailure, CancelledFailure } from '@temporalio/common'
import type { ActivityInterceptorsFactory } from '@temporalio/worker'
import type { Logger } from '../../activities/deps.ts'
import { factsOf, noteFacts, stepFields } from '../../activities/step-log.ts'
import { subjectOfStep } from '../../activities/subject.ts'
import type { CertificateActivities } from '../../workflows/activities.ts'
import { failureKind, isFailureCode, type FailureCode } from '../../workflows/domain/failures.ts'
import type { MetricRegistry } from './registry.ts'

/** Steps that only an ACME issuance has. */
const acmeSteps: ReadonlySet<string> = new Set<keyof CertificateActivities>([
  'createOrder',
  'presentChallenge',
  'checkPropagation',
  'answerChallenge',
  'cleanUpChallenge',
  'finalizeAndPublish',
  'abandonOrder',
])

/**
 * The edge of every step, for metrics and log: how long it took, how it ended, with which code, and the same fields in
 * every line. What the world does is told at info or warn; only a mistake of our own is an error.
 */
export function stepTelemetry(
  registry: MetricRegistry,
  log: Logger,
  prefix: string,
): ActivityInterceptorsFactory {
  const duration = registry.histogram(
    'certloom_step_duration_seconds',
    'Seconds that one try of a step (activity) took; outcome is done, pending (a window of waiting passed), failed or cancelled; issuer_type is empty where no issuer was read.',
    ['step', 'issuer_type', 'outcome'] as const,
  )
  const failed = registry.counter(
    'certloom_step_failures_total',
    'Tries of steps that failed, by failure code and kind (docs/errors.md): transient ones are retried in place, blocked ones looked at again.',
    ['step', 'code', 'kind'] as const,
  )
  const retries = registry.counter(
    'certloom_step_retries_total',
    'Tries of steps after the first one, because the one before failed or its worker was lost.',
    ['step'] as const,
  )
  const leftBehind = registry.counter(
    'certloom_clean_ups_left_behind_total',
    'Challenge records whose removal was given up: somebody has to remove them by hand.',
    [] as const,
  )
  return (context) => ({
    inbound: {
      async execute(input, next) {
        const { activityType: step, attempt, workflowExecution } = context.info
        noteFacts({ subject: subjectOfStep(input.args[0], workflowExecution?.workflowId ?? '', prefix) })
        if (attempt > 1) retries.add({ step })
        const began = performance.now()
        const end = (outcome: string): number => {
          const ms = performance.now() - began
          const { issuerType, leftBehind: gaveUp = false } = factsOf(context)
          const issuer_type = issuerType ?? (acmeSteps.has(step) ? 'acme' : '')
          duration.observe({ step, issuer_type, outcome }, ms / 1000)
          if (gaveUp) leftBehind.add({})
          return Math.round(ms)
        }
        try {
          const result = await next(input)
          const outcome = isPending(result) ? 'pending' : 'done'
          log.debug({ ...stepFields(context), outcome, ms: end(outcome) }, `step ${step} ended`)
          return result
        } catch (error) {
          if (error instanceof CancelledFailure) {
            log.info({ ...stepFields(context), ms: end('cancelled') }, `step ${step} was cancelled`)
          } else {
            const code = codeOf(error)
            failed.add({ step, code, kind: failureKind(code) })
            const fields = { ...stepFields(context), code, ms: end('failed'), error: messageOf(error) }
            log[levelOf(code)](fields, `step ${step} failed`)
          }
          throw error
        }
      },
    },
  })
}

/** A window of waiting that closed, or a place in a queue: the step worked, and will be called again. */
function isPending(result: unknown): boolean {
  const { done, queued } = (result ?? {}) as { done?: unknown; queued?: unknown }
  return done === false || queued !== undefined
}

function codeOf(error: unknown): FailureCode {
  return error instanceof ApplicationFailure && isFailureCode(error.type) ? error.type : 'Internal'
}

function levelOf(code: FailureCode): 'info' | 'warn' | 'error' {
  if (code === 'Internal') return 'error'
  return failureKind(code) === 'transient' ? 'info' : 'warn'
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
