import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { help, readCrashOptions } from './crash-options.ts'
import { runIntegration } from './integration.ts'
import { interruption } from './interruption.ts'
import { heading, say, table } from './print.ts'
import { projectRoot } from './root.ts'

const limitMs = 60 * 60_000

interface Result {
  killer: string
  cell: string
  troubles: string[]
}

process.exitCode = await main(process.argv.slice(2))

async function main(args: string[]): Promise<number> {
  let options
  try {
    options = readCrashOptions(args)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\nTry: npm run test:crash -- --help\n`)
    return 2
  }
  if (options === undefined) {
    process.stdout.write(help)
    return 0
  }
  const { killer, point, siege } = options
  const folder = await mkdtemp(join(tmpdir(), 'certloom-crash-'))
  const file = join(folder, 'results.jsonl')
  process.env['CERTLOOM_CRASH_RESULTS'] = file
  if (killer !== undefined) process.env['CERTLOOM_CRASH_KILLER'] = killer
  if (point !== undefined) process.env['CERTLOOM_CRASH_POINT'] = point
  try {
    const done = await runIntegration({
      root: projectRoot,
      files: [`test/integration/crash/full/${siege ? 'siege' : 'matrix'}.crash.ts`],
      fileLimitMs: limitMs,
      signal: interruption(),
    })
    const failed = done.files.some(({ counts }) => counts.failed + counts.skipped > 0)
    if (siege) {
      say(`\n${await readFile(file, 'utf8').catch(() => 'the siege did not come to its end')}`)
      return failed || done.troubles.length > 0 ? 1 : 0
    }
    const results = await readResults(file)
    show(results)
    return failed || done.troubles.length > 0 || results.length === 0 ? 1 : 0
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function readResults(file: string): Promise<Result[]> {
  // No round came to its end.
  const text = await readFile(file, 'utf8').catch(() => '')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Result)
}

function show(results: readonly Result[]): void {
  heading('Crash matrix')
  const columns = [...new Set(results.map(({ killer }) => killer))]
  const rows = [...new Set(results.map(({ cell }) => cell))].map((cell) => [
    cell,
    ...columns.map((killer) => sign(results.find((one) => one.cell === cell && one.killer === killer))),
  ])
  say(table([['', ...columns], ...rows]))
  const bad = results.filter(({ troubles }) => troubles.length > 0)
  for (const { killer, cell, troubles } of bad)
    for (const trouble of troubles) say(`✗ ${killer}, ${cell}: ${trouble}`)
  say(`\n${results.length - bad.length} of ${results.length} cells are good`)
}

function sign(result: Result | undefined): string {
  if (result === undefined) return ''
  return result.troubles.length === 0 ? '✓' : '✗'
}
