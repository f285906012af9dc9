import { duration, fileLine, heading, indent, resultPrinter, say } from './print.ts'
import { inPool } from './pool.ts'
import { runTestFile, type FileResult } from './run-file.ts'
import { serversFileVariable } from '../servers/shared.ts'

export interface UnitRun {
  readonly root: string
  readonly files: readonly string[]
  readonly verbose: boolean
  readonly signal: AbortSignal
}

const limitMs = 5 * 60_000

/** Runs test files that need no servers, as many at once as there are cores, and prints each when it is done. */
export async function runUnit({ root, files, verbose, signal }: UnitRun): Promise<FileResult[]> {
  heading(`Unit tests: ${files.length} files`)
  const started = performance.now()
  const { [serversFileVariable]: _servers, ...env } = process.env
  const results = await inPool(files, navigator.hardwareConcurrency, async (file) => {
    const result = await runTestFile({ root, file, env, limitMs, signal })
    show(result, verbose)
    return result
  })
  say(`unit tests took ${duration(performance.now() - started)}`)
  return results
}

/** A good file is one line; of any other every test is shown, with what it printed. */
function show(result: FileResult, verbose: boolean): void {
  say(fileLine(result))
  const bad = result.counts.failed + result.counts.skipped > 0
  if (!verbose && !bad) return
  const print = resultPrinter()
  for (const event of result.events) print(event)
  if (result.output.trim() !== '') say(`    printed:\n${indent(result.output, 6)}`)
}
