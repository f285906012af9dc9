import { setTimeout as delay } from 'node:timers/promises'
import { connectKubernetes, type Kubernetes } from '../activities/clients/kubernetes.ts'
import type { Logger } from '../activities/deps.ts'
import { LeaseHolder, LeaseWatcher } from '../k8s-bridge/lease.ts'
import { createBridge } from './bridge-role.ts'
import type { Configuration } from './configuration.ts'
import { serveHealth } from './health.ts'
import { WorkerRole } from './worker.ts'

/** What runs in a process; `stop` ends it in order. */
export interface Running {
  stop(): Promise<void>
}

const RETRY_MS = 1_000

/** `certloom bridge`: holds the Lease and turns changes into signals. */
export async function runBridge(configuration: Configuration, log: Logger): Promise<Running> {
  const kubernetes = await connect(configuration)
  const lease = new LeaseHolder({ kubernetes, logger: log, namespace: configuration.leaseNamespace })
  const role = await patiently(log, () =>
    createBridge(configuration, kubernetes, log, () => lease.isHolder()),
  )
  lease.onChange((holder) => {
    log.info({ holder, identity: lease.identity }, holder ? 'Lease taken' : 'Lease lost')
    if (holder) void role.bridge.takeOver()
  })
  lease.start()
  await role.bridge.start()
  const health = serveHealth(configuration.healthAddress, () => role.bridge.ready, log)
  log.info({}, 'bridge runs')
  return {
    stop: async () => {
      await health.close()
      await role.bridge.stop()
      await lease.stop({ release: true })
      await role.close()
      await kubernetes.close()
    },
  }
}

/** `certloom worker`: carries out workflows and steps while a bridge of certloom holds the Lease. */
export async function runWorker(configuration: Configuration, log: Logger): Promise<Running> {
  const kubernetes = await connect(configuration)
  const watcher = new LeaseWatcher({ kubernetes, logger: log, namespace: configuration.leaseNamespace })
  const role = new WorkerRole({ configuration, kubernetes, log, mayWrite: () => watcher.mayWrite() })
  watcher.onChange((mayWrite) => void role.set(mayWrite))
  await watcher.start()
  void role.set(watcher.mayWrite())
  const health = serveHealth(configuration.healthAddress, () => !watcher.mayWrite() || role.polling, log)
  log.info({ holder: watcher.currentHolder().identity, mayWrite: watcher.mayWrite() }, 'worker runs')
  return {
    stop: async () => {
      await health.close()
      await role.stop()
      await watcher.stop()
      await kubernetes.close()
    },
  }
}

/** `certloom all`: bridge and worker in one process, for development and small clusters. */
export async function runAll(configuration: Configuration, log: Logger): Promise<Running> {
  const kubernetes = await connect(configuration)
  const lease = new LeaseHolder({ kubernetes, logger: log, namespace: configuration.leaseNamespace })
  const worker = new WorkerRole({ configuration, kubernetes, log, mayWrite: () => lease.isHolder() })
  const role = await patiently(log, () =>
    createBridge(configuration, kubernetes, log, () => lease.isHolder()),
  )
  lease.onChange((holder) => {
    log.info({ holder, identity: lease.identity }, holder ? 'Lease taken' : 'Lease lost')
    void worker.set(holder)
    if (holder) void role.bridge.takeOver()
  })
  lease.start()
  await role.bridge.start()
  const health = serveHealth(
    configuration.healthAddress,
    () => role.bridge.ready && (!lease.isHolder() || worker.polling),
    log,
  )
  log.info({}, 'bridge and worker run')
  return {
    stop: async () => {
      await health.close()
      await role.bridge.stop()
      await worker.stop()
      await lease.stop({ release: true })
      await role.close()
      await kubernetes.close()
    },
  }
}

function connect(configuration: Configuration): Promise<Kubernetes> {
  return connectKubernetes({ kubeconfig: configuration.kubeconfig, userAgent: 'certloom/0.1.0' })
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
