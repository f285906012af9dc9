import { setTimeout as delay } from 'node:timers/promises'
import { connectKubernetes, type Kubernetes } from '../activities/clients/kubernetes.ts'
import type { Logger } from '../activities/deps.ts'
import { LeaseHolder, LeaseWatcher } from '../k8s-bridge/lease.ts'
import { bridgeMetrics } from './bridge-metrics.ts'
import { createBridge, type BridgeRole } from './bridge-role.ts'
import type { Configuration } from './configuration.ts'
import { serveHealth, type Listeners } from './health.ts'
import { bridgeChecks, liveChecks, TemporalProbe, workerChecks } from './probes.ts'
import type { Check } from './telemetry/checks.ts'
import type { Telemetry } from './telemetry/telemetry.ts'
import { workerMetrics } from './worker-metrics.ts'
import type { Instrument } from './worker-parts.ts'
import { WorkerRole } from './worker.ts'

/** What runs in a process; `stop` ends it in order. */
export interface Running {
  stop(): Promise<void>
}

const RETRY_MS = 1_000

/** `certloom bridge`: holds the Lease and turns changes into signals. */
export async function runBridge(
  configuration: Configuration,
  log: Logger,
  telemetry: Telemetry,
): Promise<Running> {
  const kubernetes = await connect(configuration)
  const lease = new LeaseHolder({ kubernetes, logger: log, namespace: configuration.leaseNamespace })
  let role: BridgeRole | undefined
  const probe = new TemporalProbe(configuration.temporal)
  const listeners = await listen(configuration, log, telemetry, {
    live: liveChecks(() => role?.bridge),
    ready: bridgeChecks({ kubernetes, lease, bridge: () => role?.bridge, temporal: probe.check(false) }),
  })
  const started = (role = await startBridge(configuration, kubernetes, log, telemetry, lease))
  lease.onChange((holder) => {
    log.info({ holder, identity: lease.identity }, holder ? 'Lease taken' : 'Lease lost')
    if (holder) void started.bridge.takeOver()
  })
  lease.start()
  await started.bridge.start()
  log.info({}, 'bridge runs')
  return {
    stop: async () => {
      await listeners.close()
      await started.close()
      await lease.stop({ release: true })
      await probe.close()
      await kubernetes.close()
    },
  }
}

/** `certloom worker`: carries out workflows and steps while a bridge of certloom holds the Lease. */
export async function runWorker(
  configuration: Configuration,
  log: Logger,
  telemetry: Telemetry,
  instrument?: Instrument,
): Promise<Running> {
  const kubernetes = await connect(configuration)
  const watcher = new LeaseWatcher({ kubernetes, logger: log, namespace: configuration.leaseNamespace })
  const mayWrite = () => watcher.mayWrite()
  const worker = new WorkerRole({ configuration, kubernetes, log, telemetry, mayWrite, instrument })
  worker.prepare()
  workerMetrics(telemetry.registry, worker, mayWrite)
  const probe = new TemporalProbe(configuration.temporal)
  const listeners = await listen(configuration, log, telemetry, {
    live: liveChecks(() => undefined),
    ready: workerChecks({
      kubernetes,
      worker,
      mayWrite,
      leaseKnown: () => watcher.currentHolder().fresh,
      temporal: probe.check(true),
    }),
  })
  watcher.onChange((may) => void worker.set(may))
  await watcher.start()
  void worker.set(watcher.mayWrite())
  log.info({ holder: watcher.currentHolder().identity, mayWrite: watcher.mayWrite() }, 'worker runs')
  return {
    stop: async () => {
      await listeners.close()
      await worker.stop()
      await watcher.stop()
      await probe.close()
      await kubernetes.close()
    },
  }
}

/** `certloom all`: bridge and worker in one process, for development and small clusters. */
export async function runAll(
  configuration: Configuration,
  log: Logger,
  telemetry: Telemetry,
): Promise<Running> {
  const kubernetes = await connect(configuration)
  const lease = new LeaseHolder({ kubernetes, logger: log, namespace: configuration.leaseNamespace })
  const mayWrite = () => lease.isHolder()
  const worker = new WorkerRole({ configuration, kubernetes, log, telemetry, mayWrite })
  worker.prepare()
  workerMetrics(telemetry.registry, worker, mayWrite)
  let role: BridgeRole | undefined
  const probe = new TemporalProbe(configuration.temporal)
  const temporal = probe.check(true)
  const listeners = await listen(configuration, log, telemetry, {
    live: liveChecks(() => role?.bridge),
    ready: distinct([
      ...bridgeChecks({ kubernetes, lease, bridge: () => role?.bridge, temporal }),
      ...workerChecks({ kubernetes, worker, mayWrite, leaseKnown: () => lease.decided, temporal }),
    ]),
  })
  const started = (role = await startBridge(configuration, kubernetes, log, telemetry, lease))
  lease.onChange((holder) => {
    log.info({ holder, identity: lease.identity }, holder ? 'Lease taken' : 'Lease lost')
    void worker.set(holder)
    if (holder) void started.bridge.takeOver()
  })
  lease.start()
  await started.bridge.start()
  log.info({}, 'bridge and worker run')
  return {
    stop: async () => {
      await listeners.close()
      // The bridge first, so that nothing new is rung for; its connection is needed by nobody else.
      await started.close()
      await worker.stop()
      await lease.stop({ release: true })
      await probe.close()
      await kubernetes.close()
    },
  }
}

/** The bridge with its metrics and the watch over expiry; not started yet, but the watch is. */
async function startBridge(
  configuration: Configuration,
  kubernetes: Kubernetes,
  log: Logger,
  telemetry: Telemetry,
  lease: LeaseHolder,
): Promise<BridgeRole> {
  const role = await patiently(log, () =>
    createBridge(configuration, kubernetes, log, () => lease.isHolder(), telemetry),
  )
  const watch = bridgeMetrics(telemetry.registry, role.bridge, lease, log)
  watch.start()
  return {
    bridge: role.bridge,
    close: async () => {
      watch.stop()
      await role.bridge.stop()
      await role.close()
    },
  }
}

function listen(
  configuration: Configuration,
  log: Logger,
  telemetry: Telemetry,
  checks: { live: readonly Check[]; ready: readonly Check[] },
): Promise<Listeners> {
  const { healthAddress: health, metricsAddress: metrics } = configuration
  const served = { ...checks, metrics: () => telemetry.text(), metricsType: telemetry.registry.contentType }
  return serveHealth({ health, metrics }, served, log)
}

/** The first check of each name. */
function distinct(checks: readonly Check[]): Check[] {
  return [...new Map(checks.toReversed().map((check) => [check.name, check])).values()].toReversed()
}

function connect(configuration: Configuration): Promise<Kubernetes> {
  return connectKubernetes({ ...configuration.kubernetes, userAgent: 'certloom/0.1.0' })
}

/** An API server that is not there yet is no reason to end: the process waits for it. */
async function patiently<T>(log: Logger, run: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await run()
    } catch (error) {
      log.warn({ error: String(error) }, 'cannot start yet; trying again')
      await delay(RETRY_MS)
    }
  }
}
