import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TemporalFacts } from '../facts.ts'
import type { ProcessDefinition } from '../managed-process.ts'
import type { PartContext } from './context.ts'

// A dev server has one shard. With the defaults for hundreds of shards each hand-over waits for a 50 ms tick, and every
// timer or retry below a second takes a second.
const dynamicConfig = [
  'history.transferProcessorMaxPollRPS=2000',
  'history.timerProcessorMaxPollRPS=2000',
  'history.timerProcessorMaxTimeShift="0s"',
  'history.workflowIdReuseMinimalInterval="0s"',
  'system.enableActivityEagerExecution=true',
  // A workflow whose tasks fail is shown as such after ten seconds instead of a minute.
  'system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=2',
]

export interface TemporalPorts {
  readonly frontend: number
  readonly ui: number
  readonly metrics: number
}

export function temporalFacts(context: PartContext, cliPath: string, ports: TemporalPorts): TemporalFacts {
  return {
    address: `127.0.0.1:${ports.frontend}`,
    uiUrl: `http://127.0.0.1:${ports.ui}`,
    metricsUrl: `http://127.0.0.1:${ports.metrics}/metrics`,
    dbFile: join(context.dataDir, 'temporal.db'),
    cliPath,
  }
}

export function temporal(
  context: PartContext,
  facts: TemporalFacts,
  ports: TemporalPorts,
  extraDynamicConfig: readonly string[],
): ProcessDefinition {
  return {
    name: 'temporal',
    data: ['', '-wal', '-shm', '-journal'].map((suffix) => facts.dbFile + suffix),
    graceMs: 5_000,
    line: {
      command: facts.cliPath,
      args: [
        ...['server', 'start-dev', '--disable-config-file'],
        ...['--ip', '127.0.0.1', '--port', String(ports.frontend)],
        ...['--ui-port', String(ports.ui), '--metrics-port', String(ports.metrics)],
        '--ui-disable-news-fetch',
        ...['--db-filename', facts.dbFile],
        ...['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal'],
        ...['--log-level', 'warn'],
        ...[...dynamicConfig, ...extraDynamicConfig].flatMap((value) => ['--dynamic-config-value', value]),
      ],
      env: context.env,
      cwd: context.dataDir,
      log: context.logPath('temporal'),
    },
    async ready() {
      // The open port is the cheap question; only then a process is spent on the real one.
      await canConnect(ports.frontend)
      const ask = ['operator', 'namespace', 'describe', '--namespace', 'default', '--address', facts.address]
      await promisify(execFile)(facts.cliPath, [...ask, '--disable-config-file'], {
        env: context.env,
        timeout: 5_000,
      })
      const ui = await fetch(facts.uiUrl, { signal: AbortSignal.timeout(5_000) })
      await ui.body?.cancel()
      return ui.ok
    },
  }
}

async function canConnect(port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' })
  try {
    await once(socket, 'connect')
  } finally {
    socket.destroy()
  }
}
