import { DefaultLogger, Runtime } from '@temporalio/worker'
import type { Logger } from '../activities/deps.ts'

/** Sends what the Temporal SDK and its core say to our log. Once per process, before any connection. */
export function installRuntime(log: Logger): void {
  const logger = new DefaultLogger('INFO', ({ level, message, meta }) => {
    const fields = { ...meta }
    if (level === 'ERROR') log.error(fields, message)
    else if (level === 'WARN') log.warn(fields, message)
    else log.debug(fields, message)
  })
  Runtime.install({
    logger,
    // We end our workers ourselves, in order.
    shutdownSignals: [],
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'WARN' } } },
  })
}
