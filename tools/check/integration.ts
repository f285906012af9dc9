import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errorText } from '../servers/error.ts'
import { serverNames } from '../servers/facts.ts'
import { showProgress } from '../servers/progress.ts'
import { startServers, type LocalServers } from '../servers/servers.ts'
import { saveServers, serversFileVariable } from '../servers/shared.ts'
import { keepLogs } from './keep-logs.ts'
import { fileLine, heading, duration, indent, resultPrinter, say } from './print.ts'
import { runTestFile, type FileResult } from './run-file.ts'
import { startReminder } from './reminder.ts'

export interface IntegrationRun {
  readonly root: string
  readonly files: readonly string[]
  readonly fileLimitMs: number
  readonly signal: AbortSignal
}

export interface IntegrationResult {
  readonly files: readonly FileResult[]
  /** What is wrong with the servers; each counts as one failed test. */
  readonly troubles: readonly string[]
}

/** Starts the real servers once, runs the files one after the other against them, and stops the servers. */
export async function runIntegration(run: IntegrationRun): Promise<IntegrationResult> {
  heading(`Integration tests: ${run.files.length} files`)
  const folder = await mkdtemp(join(tmpdir(), 'certloom-test-run-'))
  const dataDir = join(folder, 'servers')
  const results: FileResult[] = []
  const troubles: string[] = []
  // A server that ends by itself ends the file that runs: what follows would fail for a reason that nobody sees.
  const death = new AbortController()
  const display = showProgress()
  try {
    const servers = await startServers({
      dataDir,
      parts: serverNames,
      audit: true,
      signal: run.signal,
      onProgress: display.onProgress,
      onDeath: (error) => death.abort(error),
    })
    display.close()
    try {
      const serversFile = join(folder, 'servers.json')
      await saveServers(servers, serversFile)
      await runFiles(run, { servers, serversFile, death: death.signal }, { results, troubles })
    } finally {
      await servers.stop()
    }
  } catch (error) {
    display.close()
    troubles.push(run.signal.aborted ? 'the integration tests were interrupted' : errorText(error))
  }
  const ran = new Set(results.map(({ file }) => file))
  for (const file of run.files) if (!ran.has(file)) troubles.push(`${file} was not run`)
  for (const trouble of troubles) say(`✗ ${trouble}`)
  const good = troubles.length === 0 && results.every(({ counts }) => counts.failed + counts.skipped === 0)
  const logs = good ? undefined : await keepLogs(folder, dataDir)
  if (logs === undefined) await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  else say(`\nLogs of the servers and of what the tests started are kept in ${logs}`)
  return { files: results, troubles }
}

interface Running {
  readonly servers: LocalServers
  readonly serversFile: string
  readonly death: AbortSignal
}

async function runFiles(
  run: IntegrationRun,
  { servers, serversFile, death }: Running,
  { results, troubles }: { results: FileResult[]; troubles: string[] },
): Promise<void> {
  const started = performance.now()
  const signal = AbortSignal.any([run.signal, death])
  const env = { ...process.env, [serversFileVariable]: serversFile }
  for (const [index, file] of run.files.entries()) {
    if (signal.aborted) return
    const elapsed = index === 0 ? '' : `, ${duration(performance.now() - started)} so far`
    say(`\n▶ ${file}  (${index + 1} of ${run.files.length}${elapsed})`)
    const print = resultPrinter()
    const reminder = startReminder(file)
    const result = await runTestFile({
      ...{ root: run.root, file, env, limitMs: run.fileLimitMs, signal },
      onEvent: (event) => {
        reminder.heard(event)
        print(event)
      },
    }).finally(() => reminder.stop())
    const left = signal.aborted ? [] : await mend(servers)
    for (const name of left) troubles.push(`${file} left ${name} stopped or frozen; it was started again`)
    say(fileLine(result))
    if (result.counts.failed > 0 && result.output.trim() !== '')
      say(`    printed:\n${indent(result.output, 6)}`)
    results.push(result)
  }
}

/** Brings back servers that a test stopped and did not start again, so that the next file is judged by itself. */
async function mend({ processes }: LocalServers): Promise<string[]> {
  const left: string[] = []
  for (const one of processes) {
    const { stopped, frozen } = await one.status()
    if (!stopped && !frozen) continue
    left.push(one.name)
    await one.restart()
  }
  return left
}
