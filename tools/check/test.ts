import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { runChecks } from './checks.ts'
import { findTests } from './find-tests.ts'
import { runIntegration } from './integration.ts'
import { interruption } from './interruption.ts'
import { help, readOptions, type Options } from './options.ts'
import { duration, failureList, heading, say, table } from './print.ts'
import { projectRoot } from './root.ts'
import type { FileResult } from './run-file.ts'
import { countsLine, isGood, nothing, sum, type Counts } from './tally.ts'
import { runUnit } from './unit.ts'

/** Where the last line of a run is written too, for .ci/run. */
const summaryFile = join(projectRoot, 'node_modules/.cache/certloom/test-summary.txt')
const slowestShown = 10

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  let options: Options | undefined
  try {
    options = readOptions(args)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\nTry: npm test -- --help\n`)
    return 2
  }
  if (!options) {
    process.stdout.write(help)
    return 0
  }
  return run(options)
}

async function run(options: Options): Promise<number> {
  const started = performance.now()
  const signal = interruption()
  const found = findTests(projectRoot, options.only)
  const counts: Counts[] = []
  const files: FileResult[] = []
  const troubles: string[] = []
  if (options.checks) {
    const checks = await runChecks(projectRoot, signal)
    counts.push(checks.counts)
    troubles.push(...checks.failed)
  }
  if (options.unit && found.unit.length > 0 && !signal.aborted) {
    const { verbose } = options
    files.push(...(await runUnit({ root: projectRoot, files: found.unit, verbose, signal })))
  }
  if (options.integration && found.integration.length > 0 && !signal.aborted) {
    const { fileLimitMs } = options
    const done = await runIntegration({
      root: projectRoot,
      files: found.integration,
      fileLimitMs,
      signal,
    })
    files.push(...done.files)
    troubles.push(...done.troubles)
    counts.push({ ...nothing, failed: done.troubles.length })
  }
  const total = sum([...counts, ...files.map((file) => file.counts)])
  showSlowest(files)
  // The rest of a long message, such as the end of a log, stands above.
  showFailures([...troubles.map((trouble) => trouble.split('\n', 1)[0] ?? ''), ...failureList(files)])
  heading(`${files.length} files in ${duration(performance.now() - started)}`)
  if (total.passed + total.failed + total.skipped === 0)
    say(
      `no test ran${options.only === undefined ? '' : `: no test file matches '${options.only.join("' or '")}'`}`,
    )
  await mkdir(dirname(summaryFile), { recursive: true })
  await writeFile(summaryFile, `${countsLine(total)}\n`)
  say(countsLine(total))
  if (signal.aborted) return 130
  return isGood(total) ? 0 : 1
}

function showSlowest(files: readonly FileResult[]): void {
  if (files.length < 2) return
  heading('Slowest files')
  const slowest = [...files].sort((left, right) => right.ms - left.ms).slice(0, slowestShown)
  say(table(slowest.map(({ file, ms, counts }) => [duration(ms), `${counts.passed} passed`, file])))
}

function showFailures(failures: readonly string[]): void {
  if (failures.length === 0) return
  heading('Failed or skipped')
  for (const failure of failures) say(`✗ ${failure}`)
}
