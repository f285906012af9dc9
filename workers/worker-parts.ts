import { Client } from '@temporalio/client'
import type { PayloadCodec } from '@temporalio/common'
import type { NativeConnection, WorkerOptions } from '@temporalio/worker'
import { acmeClients } from '../activities/clients/acme.ts'
import { createEgress, type Egress } from '../activities/clients/egress.ts'
import type { Kubernetes } from '../activities/clients/kubernetes.ts'
import type { ActivityDeps, Logger } from '../activities/deps.ts'
import { createActivities, createLockActivities } from '../activities/index.ts'
import { stepLog } from '../activities/step-log.ts'
import type { Configuration } from './configuration.ts'
import { fenced } from './fence.ts'
import { nameLocks } from './name-locks.ts'
import { recordKey } from './record-key.ts'
import type { Telemetry } from './telemetry/telemetry.ts'
import { temporalConverters } from './temporal/data-converter.ts'
import { staleTasks } from './temporal/stale-tasks.ts'

const USER_AGENT = 'certloom/0.1.0'
/** How long running steps may go on after a stop, in milliseconds; what is cut off is taken up by another worker. */
const GRACE_MS = 10_000

/** What a test build puts between the steps and the world: production runs without one. */
export interface Instrument {
  deps(deps: ActivityDeps): ActivityDeps
  activities<A extends object>(activities: A): A
  /** A payload codec before all others: it sees what goes to Temporal and comes from there in the clear. */
  readonly codec?: PayloadCodec
}

export interface WorkerPartsOptions {
  configuration: Configuration
  kubernetes: Kubernetes
  log: Logger
  telemetry: Telemetry
  /** Whether certloom holds the Lease. */
  mayWrite: () => boolean
  instrument?: Instrument
}

/** What all workers of a process share, however often they start and stop. */
export interface WorkerParts {
  shared: Omit<WorkerOptions, 'taskQueue'>
  activities: object
  lockActivities: object
  close(): Promise<void>
}

/** Makes them, once for a process: they keep connections, a timer and what has been learnt of CAs. */
export function workerParts(options: WorkerPartsOptions, connection: NativeConnection): WorkerParts {
  const { configuration, log, instrument, telemetry } = options
  const { namespace } = configuration.temporal
  const converters = temporalConverters(configuration, log)
  const client = new Client({ connection, namespace, dataConverter: converters.client })
  const egress = createEgress({ allowPrivate: configuration.allowPrivateAddresses, userAgent: USER_AGENT })
  const plain = activityDeps(options, client, egress)
  const deps = instrument?.deps(plain) ?? plain
  const activities = createActivities(deps)
  const codecs = instrument?.codec ? [instrument.codec] : []
  return {
    activities: { ...(instrument?.activities(activities) ?? activities) },
    lockActivities: { ...createLockActivities(deps) },
    shared: {
      connection,
      namespace,
      dataConverter: {
        ...converters.worker,
        payloadCodecs: [...codecs, ...converters.worker.payloadCodecs],
      },
      shutdownGraceTime: GRACE_MS,
      // A cancel or a lost worker is noticed at a heartbeat that was sent: throttled to 0.3 s instead of seconds.
      maxHeartbeatThrottleInterval: 300,
      interceptors: { activity: [telemetry.steps, staleTasks(client, log)] },
    },
    close: () => egress.close(),
  }
}

function activityDeps(options: WorkerPartsOptions, client: Client, egress: Egress): ActivityDeps {
  const { configuration, log, mayWrite, telemetry } = options
  const kubernetes = fenced(options.kubernetes, mayWrite)
  return {
    kubernetes,
    acme: acmeClients({
      http: egress,
      userAgent: USER_AGENT,
      observe: telemetry.observeAcme,
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
