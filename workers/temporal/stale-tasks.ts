import { isGrpcServiceError, type Client } from '@temporalio/client'
import { CancelledFailure } from '@temporalio/common'
import type { ActivityInterceptorsFactory } from '@temporalio/worker'
import type { Logger } from '../../activities/deps.ts'

/** How late the event loop may be before what it has in hand is doubtful, in milliseconds; heartbeats are due after 8 s. */
const GAP_MS = 3_000
const TICK_MS = 1_000
/** A task that came in while the process stood still is begun within this time after it, in milliseconds. */
const AFTER_MS = 10_000
/** gRPC status NOT_FOUND: the server has given the task to somebody else, or needs it no more. */
const NOT_FOUND = 5

/** Notices that the process stood still: stopped, swapped out, or on a machine that was. */
export class StandstillWatch {
  readonly #now: () => number
  #last: number
  #doubtfulUntil = 0

  /** @param now a clock that goes on meanwhile, in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#last = now()
  }

  /** To be called every second. */
  tick(): void {
    const now = this.#now()
    if (now - this.#last > GAP_MS) this.#doubtfulUntil = now + AFTER_MS
    this.#last = now
  }

  /** Whether it has stood still a moment ago. */
  get wasStill(): boolean {
    this.tick()
    return this.#now() < this.#doubtfulUntil
  }
}

/**
 * Begins no task that the server has taken back. A worker that stood still finds tasks in its hands that others have
 * done meanwhile, with all that came after them: begun then, a step would act on a certificate that has moved on.
 * After a standstill each task is asked for with a heartbeat before it begins.
 */
export function staleTasks(client: Client, log: Logger): ActivityInterceptorsFactory {
  const watch = new StandstillWatch()
  setInterval(() => watch.tick(), TICK_MS).unref()
  return ({ info }) => ({
    inbound: {
      async execute(input, next) {
        if (!info.isLocal && watch.wasStill && !(await isCurrent(client, info.taskToken))) {
          const { activityId, activityType, attempt, workflowExecution } = info
          const workflowId = workflowExecution?.workflowId
          log.warn(
            { workflowId, activityType, activityId, attempt },
            'a task that was given up while this process stood still is not begun',
          )
          throw new CancelledFailure('this try was given up while its worker stood still')
        }
        return next(input)
      },
    },
  })
}

async function isCurrent(client: Client, taskToken: Uint8Array): Promise<boolean> {
  try {
    const { namespace, identity } = client.options
    await client.workflowService.recordActivityTaskHeartbeat({ namespace, identity, taskToken })
    return true
  } catch (error) {
    if (isGrpcServiceError(error) && Number(error.code) === NOT_FOUND) return false
    throw error
  }
}
