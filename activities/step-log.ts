import { asyncLocalStorage, type Context } from '@temporalio/activity'
import type { Logger } from './deps.ts'

/** What is found out about a step while it runs, for its metrics and its log lines. */
export interface StepFacts {
  /** What the step works for, by its field in log lines. */
  subject?: Record<string, string>
  /** acme, ca, selfSigned … */
  issuerType?: string
  /** A challenge record was given up. */
  leftBehind?: boolean
}

const facts = new WeakMap<Context, StepFacts>()

/** Notes facts about the running step; outside of a step nothing happens. */
export function noteFacts(noted: StepFacts): void {
  const context = asyncLocalStorage.getStore()
  if (context !== undefined) facts.set(context, { ...facts.get(context), ...noted })
}

export function factsOf(context: Context): StepFacts {
  return facts.get(context) ?? {}
}

/**
 * The fields that every line of a step carries, under the names that the SDK gives them in lines of workflows; none
 * outside of a step.
 */
export function stepFields(context = asyncLocalStorage.getStore()): Record<string, unknown> {
  if (context === undefined) return {}
  const { workflowExecution, activityType, activityId, attempt } = context.info
  return {
    ...factsOf(context).subject,
    workflowId: workflowExecution?.workflowId,
    runId: workflowExecution?.runId,
    activityType,
    activityId,
    attempt,
  }
}

/** A logger whose lines say for which step of which certificate they are. */
export function stepLog(log: Logger): Logger {
  const at = (level: keyof Logger) => (fields: object, message: string) =>
    log[level]({ ...stepFields(), ...fields }, message)
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
