import { Client } from '@temporalio/client'
import type { PayloadCodec } from '@temporalio/common'
import { NativeConnection, type Worker } from '@temporalio/worker'
import { createActivities, createLockActivities } from '../activities/index.ts'
import { acmeClients } from '../activities/clients/acme.ts'
import { createEgress } from '../activities/clients/egress.ts'
import type { Kubernetes } from '../activities/clients/kubernetes.ts'
import type { ActivityDeps, Logger } from '../activities/deps.ts'
import { stepLog } from '../activities/step-log.ts'
import { LOCK_TASK_QUEUE, TASK_QUEUE } from '../workflows/messages.ts'
import { workflowBundle } from './bundle.ts'
import type { Configuration } from './configuration.ts'
import { fenced } from './fence.ts'
import { nameLocks } from './name-locks.ts'
import { recordKey } from './record-key.ts'
import { ObservedWorker } from './telemetry/observed-worker.ts'
import type { Telemetry } from './telemetry/telemetry.ts'
import { temporalConverters, type Converters } from './temporal/data-converter.ts'
import { staleTasks } from './temporal/stale-tasks.ts'

const USER_AGENT = 'certloom/0.1.0'
/** How long running steps may go on after a stop, in milliseconds; what is cut off is taken up by another worker. */
const GRACE_MS = 10_000
const RETRY_MS = 1_000

/** What a test build puts between the steps and the world: production runs without one. */
export interface Instrument {
  deps(deps: ActivityDeps): ActivityDeps
  activities<A extends object>(activities: A): A
  /** A payload codec before all others: it sees what goes to Temporal and comes from there in the clear. */
  readonly codec?: PayloadCodec
}

export interface WorkerRoleOptions {
  configuration: Configuration
  kubernetes: Kubernetes
  log: Logger
  telemetry: Telemetry
  /** Whether certloom holds the Lease. */
  mayWrite: () => boolean
  /** Workflow code instead of that of this release. */
  bundle?: () => Promise<{ code: string }>
  instrument?: Instrument
}

/** The workers of one process. They poll Temporal only while certloom holds the Lease. */
export class WorkerRole {
  readonly #options: WorkerRoleOptions
  #bundle: Promise<{ code: string }> | undefined
  #converters: Converters | undefined
  #connection: NativeConnection | undefined
  #workers: Worker[] = []
  #runs: Promise<void>[] = []
  #wanted = false
  #changing: Promise<void> = Promise.resolve()
  #close: (() => Promise<void>)[] = []

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
    for (const close of this.#close) await close()
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
    const { configuration, log, instrument } = this.#options
    this.#converters ??= temporalConverters(configuration, log)
    const converters = this.#converters
    const [bundle, connection] = await Promise.all([this.#bundled(), this.#connect()])
    const client = new Client({
      connection,
      namespace: configuration.temporal.namespace,
      dataConverter: converters.client,
    })
    const plain = this.#deps(client)
    const deps = instrument?.deps(plain) ?? plain
    const activities = createActivities(deps)
    const shared = {
      connection,
      namespace: configuration.temporal.namespace,
      workflowBundle: bundle,
      dataConverter: {
        ...converters.worker,
        payloadCodecs: [...(instrument?.codec ? [instrument.codec] : []), ...converters.worker.payloadCodecs],
      },
      shutdownGraceTime: GRACE_MS,
      // A cancel or a lost worker is noticed at a heartbeat that was sent: throttled to 0.3 s instead of seconds.
      maxHeartbeatThrottleInterval: 300,
      interceptors: { activity: [this.#options.telemetry.steps, staleTasks(client, log)] },
    }
    this.#workers = await Promise.all([
      ObservedWorker.create({
        ...shared,
        taskQueue: configuration.prefix + TASK_QUEUE,
        activities: { ...(instrument?.activities(activities) ?? activities) },
        maxConcurrentActivityTaskExecutions: 200,
      }),
      ObservedWorker.create({
        ...shared,
        taskQueue: configuration.prefix + LOCK_TASK_QUEUE,
        activities: { ...createLockActivities(deps) },
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

  #deps(client: Client): ActivityDeps {
    const { configuration, log, mayWrite } = this.#options
    const kubernetes = fenced(this.#options.kubernetes, mayWrite)
    const egress = createEgress({ allowPrivate: configuration.allowPrivateAddresses, userAgent: USER_AGENT })
    this.#close.push(() => egress.close())
    return {
      kubernetes,
      acme: acmeClients({
        http: egress,
        userAgent: USER_AGENT,
        observe: this.#options.telemetry.observeAcme,
      }),
      dns: configuration.dns,
      locks: nameLocks(client, configuration.prefix),
      settings: {
        clusterResourceNamespace: configuration.clusterResourceNamespace,
        controllerNamespace: configuration.namespace,
        pluginDirectory: configuration.pluginDirectory,
        approve: configuration.approve,
        workflowIdPrefix: configuration.prefix,
        userAgent: USER_AGENT,
        earlyLooks: configuration.acmeEarlyLooks,
      },
      recordKey: recordKey(kubernetes, configuration.namespace),
      log: stepLog(log),
    }
  }
}
