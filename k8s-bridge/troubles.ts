import type { OpenWorkflow } from './doorbell.ts'
import type { Logger } from './logger.ts'

/**
 * The open workflows whose tasks fail again and again, as a list of Temporal reports them: nothing happens to their
 * objects until the code is mended. Each is told once in the log, and the numbers are a metric.
 */
export class Troubles {
  readonly #logger: Logger
  #told = new Map<string, string>()
  #byCause: ReadonlyMap<string, number> = new Map()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** How many there are, by the cause that Temporal names without its prefix, such as `NonDeterministicError`. */
  get byCause(): ReadonlyMap<string, number> {
    return this.#byCause
  }

  /** Takes note of all open workflows. */
  see(open: readonly OpenWorkflow[]): void {
    const told = new Map<string, string>()
    const byCause = new Map<string, number>()
    for (const { target, workflowId, runId, problems } of open) {
      if (problems.length === 0) continue
      const cause = causeOf(problems)
      byCause.set(cause, (byCause.get(cause) ?? 0) + 1)
      told.set(runId, cause)
      if (this.#told.get(runId) === cause) continue
      const name = target.namespace === '' ? target.name : `${target.namespace}/${target.name}`
      this.#logger.error(
        {
          [target.kind === 'Certificate' ? 'certificate' : 'issuer']: name,
          workflowId,
          runId,
          cause,
          problems,
        },
        'workflow task fails again and again: nothing happens to this object until the workers are mended',
      )
    }
    this.#told = told
    this.#byCause = byCause
  }
}

const CAUSE = /^cause=(?:WorkflowTaskFailedCause|WORKFLOW_TASK_FAILED_CAUSE_)?(\w+)$/

function causeOf(problems: readonly string[]): string {
  for (const problem of problems) {
    const cause = CAUSE.exec(problem)?.[1]
    if (cause !== undefined) return cause
  }
  return 'unknown'
}
