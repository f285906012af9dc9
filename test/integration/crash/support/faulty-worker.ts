// `certloom worker` with a fault point at every effect: CERTLOOM_TEST_FAULTS names the folder that controls them.
import { readConfiguration } from '../../../../workers/configuration.ts'
import { createLogger } from '../../../../workers/log.ts'
import { runWorker } from '../../../../workers/processes.ts'
import { startTelemetry } from '../../../../workers/telemetry/telemetry.ts'
import { Control } from './control.ts'
import { faults } from './faults.ts'

const configuration = readConfiguration(process.env)
const log = createLogger(configuration.logLevel, 'worker')
const telemetry = await startTelemetry(log, configuration.prefix, configuration.metricsAddress !== '')
const control = new Control(process.env['CERTLOOM_TEST_FAULTS'] ?? '')
const running = await runWorker(configuration, log, telemetry, faults(control))
await new Promise<void>((resolve) => process.once('SIGTERM', () => resolve()))
await running.stop()
process.exit(0)
