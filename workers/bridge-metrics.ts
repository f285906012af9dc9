import type { Logger } from '../activities/deps.ts'
import type { ObservedBridge } from '../k8s-bridge/metrics/bridge.ts'
import { bridgeFamilies } from '../k8s-bridge/metrics/bridge.ts'
import { certManagerFamilies } from '../k8s-bridge/metrics/cert-manager.ts'
import { certificateFamilies } from '../k8s-bridge/metrics/certificates.ts'
import { ExpiryWatch } from '../k8s-bridge/metrics/expiry.ts'
import type { ObservedStores } from '../k8s-bridge/watched.ts'
import type { MetricRegistry } from './telemetry/registry.ts'

/** Adds what a bridge serves to the metrics of its process, and the watch over expiry, to be started by the caller. */
export function bridgeMetrics(
  registry: MetricRegistry,
  bridge: ObservedBridge & { stores: ObservedStores },
  lease: { isHolder(): boolean },
  log: Logger,
): ExpiryWatch {
  const { stores } = bridge
  const watch = new ExpiryWatch({ stores, logger: log, mayAct: () => lease.isHolder() })
  registry.add(
    ...certManagerFamilies(stores),
    ...certificateFamilies(stores),
    ...watch.families(),
    ...bridgeFamilies(bridge, lease),
  )
  return watch
}
