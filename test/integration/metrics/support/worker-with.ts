/**
 * A worker of certloom that runs other workflow code: node worker-with.ts <workflows file>. Settings are those of
 * `certloom worker`, but it polls whoever holds the Lease.
 */
import { resolve } from 'node:path'
import { connectKubernetes } from '../../../../activities/clients/kubernetes.ts'
import { workflowBundle } from '../../../../workers/bundle.ts'
import { readConfiguration } from '../../../../workers/configuration.ts'
import { serveHealth } from '../../../../workers/health.ts'
import { createLogger } from '../../../../workers/log.ts'
import { startTelemetry } from '../../../../workers/telemetry/telemetry.ts'
import { WorkerRole } from '../../../../workers/worker.ts'

const configuration = readConfiguration(process.env)
const log = createLogger(configuration.logLevel, 'worker')
const telemetry = await startTelemetry(log, configuration.prefix, true)
const kubernetes = await connectKubernetes({ ...configuration.kubernetes, userAgent: 'test' })
const worker = new WorkerRole({
  configuration,
  kubernetes,
  log,
  telemetry,
  mayWrite: () => true,
  bundle: () => workflowBundle(log, { workflowsPath: resolve(process.argv[2] ?? '') }),
})
await serveHealth(
  { health: '', metrics: configuration.metricsAddress },
  { live: [], ready: [], metrics: () => telemetry.text(), metricsType: telemetry.registry.contentType },
  log,
)
await worker.set(true)
