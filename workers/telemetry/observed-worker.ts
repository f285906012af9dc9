import proto from '@temporalio/proto'
import { Runtime, Worker, type WorkerOptions } from '@temporalio/worker'
import { TASK_FAILED, type TaskFailure } from './sdk-log.ts'

const { EvictionReason } = proto.coresdk.workflow_activation.RemoveFromCache

interface Eviction {
  runId?: string
  evictJob?: { reason?: unknown; message?: string | null }
}

/**
 * A worker that tells of every workflow task that fails. The SDK says so itself only at the first try; but each one
 * throws the run out of the cache, and says why.
 */
export class ObservedWorker extends Worker {
  static override async create(options: WorkerOptions): Promise<Worker> {
    const worker = await super.create(options)
    if (worker instanceof ObservedWorker) worker.#observe()
    return worker
  }

  #observe(): void {
    this.evictionsEmitter.on('eviction', ({ runId, evictJob }: Eviction) => {
      const reason = reasonOf(evictJob?.reason)
      // A worker that stops lets all of its runs go, which is nobody's mistake.
      if (reason === undefined || evictJob?.message === SHUTTING_DOWN) return
      // Through the SDK's log, which keeps the order: the line that names the workflow of this run comes before it.
      Runtime.instance().logger.error(TASK_FAILED, { runId, reason, error: evictJob?.message ?? '' })
    })
  }
}

/** How the SDK's core words the eviction of a worker that stops. */
const SHUTTING_DOWN = 'Shutting down'

function reasonOf(reason: unknown): TaskFailure['reason'] | undefined {
  if (reason === EvictionReason.NONDETERMINISM) return 'nonDeterminism'
  return reason === EvictionReason.LANG_FAIL || reason === EvictionReason.FATAL ? 'workflowCode' : undefined
}
