import type { LogLevel, Logger as SdkLogger } from '@temporalio/worker'
import type { Logger } from '../../activities/deps.ts'
import { subjectOfWorkflow } from '../../activities/subject.ts'

/** A try of a workflow task that failed: a bug in workflow code. The server has it tried again until the code is mended. */
export interface TaskFailure {
  workflowType: string
  /** `nonDeterminism`: the code does not fit the history; `workflowCode`: it threw what is no failure of a step. */
  reason: 'nonDeterminism' | 'workflowCode'
}

interface Meta {
  sdkComponent?: string
  namespace?: string
  workflowId?: string
  workflowType?: string
  runId?: string
  error?: unknown
  [field: string]: unknown
}

/** Runs whose workflow id is remembered: the core names only the run. */
const MOST_RUNS = 5_000
/** What stands in a line of our own, at a level and with fields that fit. */
const TOLD_BY_US = new Set(['Activity failed', 'Failing workflow task'])
/** The line that tells of a workflow task that failed; ObservedWorker sends it this way. */
export const TASK_FAILED =
  'workflow task failed: nothing happens to this object until what the error names is mended'

/**
 * What the Temporal SDK, its core and workflow code say, as lines of our log with the fields of ours. The SDK's own
 * chatter is debug; what workflow code says keeps its level; a workflow task that fails is an error with everything that
 * is needed to find it, and is counted.
 */
export class SdkLog implements SdkLogger {
  readonly #log: Logger
  readonly #prefix: string
  readonly #failed: (failure: TaskFailure) => void
  readonly #runs = new Map<string, { workflowId: string; workflowType: string }>()

  constructor(log: Logger, prefix: string, failed: (failure: TaskFailure) => void) {
    this.#log = log
    this.#prefix = prefix
    this.#failed = failed
  }

  log(level: LogLevel, message: string, meta: Meta = {}): void {
    if (meta.runId !== undefined && meta.workflowId !== undefined) this.#remember(meta.runId, meta)
    if (level === 'TRACE') return
    if (message === TASK_FAILED) return this.#tellFailure(meta)
    const fields = this.#fields(meta)
    const own = meta.sdkComponent === 'workflow'
    if (level === 'ERROR') this.#log.error(fields, message)
    else if (level === 'WARN' && !TOLD_BY_US.has(message)) this.#log.warn(fields, message)
    else if (level === 'INFO' && own) this.#log.info(fields, message)
    else this.#log.debug(fields, message)
  }

  trace(message: string, meta?: Meta): void {
    this.log('TRACE', message, meta)
  }

  debug(message: string, meta?: Meta): void {
    this.log('DEBUG', message, meta)
  }

  info(message: string, meta?: Meta): void {
    this.log('INFO', message, meta)
  }

  warn(message: string, meta?: Meta): void {
    this.log('WARN', message, meta)
  }

  error(message: string, meta?: Meta): void {
    this.log('ERROR', message, meta)
  }

  #remember(runId: string, { workflowId = '', workflowType = '' }: Meta): void {
    if (this.#runs.has(runId)) return
    this.#runs.set(runId, { workflowId, workflowType })
    if (this.#runs.size > MOST_RUNS) this.#runs.delete(this.#runs.keys().next().value ?? '')
  }

  #tellFailure(meta: Meta): void {
    const { workflowId, workflowType = '' } = this.#runs.get(meta.runId ?? '') ?? {}
    this.#failed({ workflowType, reason: meta['reason'] as TaskFailure['reason'] })
    this.#log.error(this.#fields({ workflowId, workflowType, ...meta }), TASK_FAILED)
  }

  #fields(meta: Meta): Record<string, unknown> {
    // Our lines have a namespace of Kubernetes; Temporal's is another thing.
    const { namespace: temporalNamespace, taskToken: _token, workflowRunId, error, ...rest } = meta
    const subject = meta.workflowId === undefined ? {} : subjectOfWorkflow(meta.workflowId, this.#prefix)
    return {
      ...subject,
      ...rest,
      // The SDK's name for the same thing in lines of steps.
      ...(workflowRunId !== undefined && { runId: workflowRunId }),
      ...(temporalNamespace !== undefined && { temporalNamespace }),
      ...(error !== undefined && {
        error: describe(error),
        ...(error instanceof Error && { stack: error.stack }),
      }),
    }
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
