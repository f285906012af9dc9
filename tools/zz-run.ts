import { readConfiguration } from '../workers/configuration.ts'
import { createLogger } from '../workers/log.ts'
import { runAll } from '../workers/processes.ts'
import { installRuntime } from '../workers/runtime.ts'
const c = readConfiguration(process.env)
const log = createLogger(c.logLevel, 'all'); installRuntime(log); const running = await runAll(c, log)
process.once('SIGTERM', async () => { await running.stop(); process.exit(0) })
