import type { Command } from 'commander'
import { describeSettings, readConfiguration } from '../workers/configuration.ts'
import { createLogger } from '../workers/log.ts'
import { runAll, runBridge, runWorker, type Running } from '../workers/processes.ts'
import { startTelemetry } from '../workers/telemetry/telemetry.ts'

const roles = {
  bridge: { run: runBridge, does: 'watch the cluster and ring for workflows; holds the Lease' },
  worker: { run: runWorker, does: 'carry out workflows and their steps' },
  all: { run: runAll, does: 'bridge and worker in one process, for development and small clusters' },
} as const

/** The commands that stay up until they are told to stop. */
export function registerRoles(program: Command): void {
  for (const [name, role] of Object.entries(roles)) {
    program
      .command(name)
      .description(role.does)
      .addHelpText('after', `\nSettings (environment):\n${describeSettings()}\n`)
      .action(() => serve(name, role.run))
  }
}

async function serve(name: string, run: (typeof roles)[keyof typeof roles]['run']): Promise<void> {
  let configuration
  try {
    configuration = readConfiguration(process.env)
  } catch (error) {
    process.stderr.write(`certloom ${name}: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 2
    return
  }
  const log = createLogger(configuration.logLevel, name)
  const telemetry = await startTelemetry(log, configuration.prefix, configuration.metricsAddress !== '')
  let running: Running
  try {
    running = await run(configuration, log, telemetry)
  } catch (error) {
    process.stderr.write(`certloom ${name}: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(1)
  }
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  log.info({}, 'stopping')
  await running.stop()
  process.exit(0)
}
