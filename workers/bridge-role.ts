import { Client, Connection } from '@temporalio/client'
import type { Kubernetes } from '../activities/clients/kubernetes.ts'
import type { Logger } from '../activities/deps.ts'
import { apiPath } from '../k8s-bridge/api/kinds.ts'
import { Bridge } from '../k8s-bridge/bridge.ts'
import { temporalDoorbell } from '../k8s-bridge/temporal-doorbell.ts'
import type { Configuration } from './configuration.ts'
import type { Telemetry } from './telemetry/telemetry.ts'
import { temporalConverters } from './temporal/data-converter.ts'

/** How long a signal to Temporal may take, in milliseconds: people hear of an outage within five seconds. */
const DEADLINE_MS = 2_500
/** How long a page of a thousand open workflows may take, in milliseconds; a busy server needs less than one second. */
const PAGE_DEADLINE_MS = 5_000

export interface BridgeRole {
  bridge: Bridge
  close(): Promise<void>
}

export async function createBridge(
  configuration: Configuration,
  kubernetes: Kubernetes,
  log: Logger,
  mayAct: () => boolean,
  telemetry: Telemetry,
): Promise<BridgeRole> {
  // Lazy: a bridge that starts while Temporal is away serves its stores and tells of the outage.
  const connection = Connection.lazy({ address: configuration.temporal.address })
  const { namespace } = configuration.temporal
  const { client: dataConverter } = temporalConverters(configuration, log)
  const client = new Client({ connection, namespace, dataConverter })
  const doorbell = temporalDoorbell({
    client,
    codecs: dataConverter.payloadCodecs,
    namespace,
    cluster: await clusterUid(kubernetes),
    prefix: configuration.prefix,
    deadline: DEADLINE_MS,
    pageDeadline: PAGE_DEADLINE_MS,
  })
  const bridge = new Bridge({
    kubernetes,
    doorbell,
    logger: log,
    clusterResourceNamespace: configuration.clusterResourceNamespace,
    auditInterval: configuration.auditInterval,
    mayAct,
    onIssuance: ({ issuerType, outcome, seconds }) =>
      telemetry.issuances.observe({ issuer_type: issuerType, outcome }, seconds),
  })
  return { bridge, close: () => connection.close() }
}

/** Identity of the cluster: a namespace that every cluster has and that is never made anew. */
async function clusterUid(kubernetes: Kubernetes): Promise<string> {
  const found = await kubernetes.get<{ metadata: { uid: string } }>(
    apiPath('Namespace', undefined, 'kube-system'),
  )
  if (found === undefined)
    throw new Error('the namespace kube-system is missing: is this a Kubernetes cluster?')
  return found.metadata.uid
}
