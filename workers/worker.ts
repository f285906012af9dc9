import { NativeConnection, type Worker } from '@temporalio/worker'
import { LOCK_TASK_QUEUE, TASK_QUEUE } from '../workflows/messages.ts'
import { workflowBundle } from './bundle.ts'
import { ObservedWorker } from './telemetry/observed-worker.ts'
import { workerParts, type WorkerParts, type WorkerPartsOptions } from './worker-parts.ts'

const RETRY_MS = 1_000
/** How long Temporal may take to say that the namespace is there, in milliseconds. */
const ANSWER_MS = 10_000

export interface WorkerRoleOptions extends WorkerPartsOptions {
  /** Workflow code instead of that of this release. */
  bundle?: () => Promise<{ code: string }>
}

/** The workers of one process. They poll Temporal only while certloom holds the Lease. */
export class WorkerRole {
  readonly #options: WorkerRoleOptions
  #bundle: Promise<{ code: string }> | undefined
  /** Made once: the Lease comes and goes, and a start may fail every second. */
  #parts: WorkerParts | undefined
  #connection: NativeConnection | undefined
  #workers: Worker[] = []
  #runs: Promise<void>[] = []
  #wanted = false
  #changing: Promise<void> = Promise.resolve()

  constructor(options: WorkerRoleOptions) {
    this.#options = options
  }

  /** Begins what takes seconds, so that the first `set` finds it done. */
  prepare(): void {
    // Who needs it hears of an error.
    this.#bundled().catch(() => undefined)
  }

  get polling(): boolean {
    return this.#workers.length > 0 && this.#workers.every((worker) => worker.getState() === 'RUNNING')
  }

  /** Starts or stops polling; calls are carried out one after the other, and only the last one counts. */
  set(polling: boolean): Promise<void> {
    this.#wanted = polling
    this.#changing = this.#changing.then(() => this.#follow())
    return this.#changing
  }

  async stop(): Promise<void> {
    await this.set(false)
    await this.#parts?.close()
    await this.#connection?.close()
  }

  async #follow(): Promise<void> {
    while (this.#wanted && this.#workers.length === 0) {
      try {
        await this.#start()
      } catch (error) {
        this.#options.log.warn({ error: String(error) }, 'worker cannot start; trying again')
        await this.#stopWorkers()
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
    if (!this.#wanted) await this.#stopWorkers()
  }

  async #start(): Promise<void> {
    const { configuration, log } = this.#options
    const [bundle, connection] = await Promise.all([this.#bundled(), this.#connect()])
    // Asked first: a worker that finds nobody there leaves its threads behind, with all workflow code, at each start.
    const { namespace } = configuration.temporal
    await connection.withDeadline(Date.now() + ANSWER_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    )
    this.#parts ??= workerParts(this.#options, connection)
    const { activities, lockActivities } = this.#parts
    const shared = { ...this.#parts.shared, workflowBundle: bundle }
    this.#workers = await Promise.all([
      ObservedWorker.create({
        ...shared,
        taskQueue: configuration.prefix + TASK_QUEUE,
        activities,
        maxConcurrentActivityTaskExecutions: 200,
      }),
      ObservedWorker.create({
        ...shared,
        taskQueue: configuration.prefix + LOCK_TASK_QUEUE,
        activities: lockActivities,
        maxCachedWorkflows: 100,
        maxConcurrentActivityTaskExecutions: 20,
      }),
    ])
    this.#runs = this.#workers.map((worker) => worker.run())
    for (const run of this.#runs) run.catch((error: unknown) => this.#lost(error))
    log.info(
      { queue: configuration.prefix + TASK_QUEUE, temporal: configuration.temporal.address },
      'worker polls',
    )
  }

  #bundled(): Promise<{ code: string }> {
    const { configuration, log, bundle } = this.#options
    this.#bundle ??= (
      bundle?.() ??
      workflowBundle(log, {
        encrypts: configuration.payloadKeysFile !== '',
        stackTraces: configuration.workflowStackTraces,
      })
    ).catch((error: unknown) => {
      this.#bundle = undefined
      throw error
    })
    return this.#bundle
  }

  #lost(error: unknown): void {
    this.#options.log.error({ error: String(error) }, 'worker ended by itself; starting it again')
    this.#changing = this.#changing.then(async () => {
      await this.#stopWorkers()
      await this.#follow()
    })
  }

  async #stopWorkers(): Promise<void> {
    const workers = this.#workers
    this.#workers = []
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown()
    await Promise.allSettled(this.#runs)
    this.#runs = []
    if (workers.length > 0) this.#options.log.info({}, 'worker stopped polling')
  }

  async #connect(): Promise<NativeConnection> {
    this.#connection ??= await NativeConnection.connect({
      address: this.#options.configuration.temporal.address,
    })
    return this.#connection
  }
}
