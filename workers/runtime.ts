import { Runtime } from '@temporalio/worker'
import type { SdkLog } from './telemetry/sdk-log.ts'

/**
 * Sets up the Temporal SDK: what it and its core say goes to our log, and its metrics are served at `metricsAddress`, a
 * loopback address, if one is given. Once per process, before any connection.
 */
export function installRuntime(logger: SdkLog, metricsAddress: string | undefined): void {
  Runtime.install({
    logger,
    // We end our workers ourselves, in order.
    shutdownSignals: [],
    telemetryOptions: {
      logging: { forward: {}, filter: { core: 'WARN', other: 'WARN' } },
      ...(metricsAddress !== undefined && {
        metrics: {
          prometheus: { bindAddress: metricsAddress, useSecondsForDurations: true, unitSuffix: true },
        },
      }),
    },
  })
}
