import { fileURLToPath } from 'node:url'
import { runChild, type ChildResult } from './child.ts'
import { Tally, type Counts } from './tally.ts'
import type { TestEvent, TestResult } from './test-event.ts'

export interface FileRun {
  /** Path below the root. */
  readonly file: string
  readonly root: string
  readonly env: NodeJS.ProcessEnv
  /** Time after which the file is ended and counts as failed, in milliseconds. */
  readonly limitMs: number
  readonly signal: AbortSignal
  readonly onEvent?: (event: TestEvent) => void
}

export interface FileResult {
  readonly file: string
  readonly counts: Counts
  readonly results: readonly TestResult[]
  /** Everything that was told, in order. */
  readonly events: readonly TestEvent[]
  /** What is wrong with the file as a whole, such as the time limit; it counts as one failed test. */
  readonly trouble?: string
  readonly ms: number
  /** The end of what the file printed. */
  readonly output: string
}

const reporter = fileURLToPath(new URL('reporter.ts', import.meta.url))

/** Runs one test file in a process of its own. Whatever happens to that process, the answer names it. */
export async function runTestFile(run: FileRun): Promise<FileResult> {
  const tally = new Tally()
  const results: TestResult[] = []
  const events: TestEvent[] = []
  const running = new Set<string>()
  let complete = false
  const onEventLine = (line: string) => {
    const event = JSON.parse(line) as TestEvent
    if (event.event === 'end') complete = true
    else if (event.event === 'begin') running.add(event.name)
    else if (event.event !== 'about') {
      running.delete(event.name)
      results.push(event)
      tally.add(event)
    }
    events.push(event)
    run.onEvent?.(event)
  }
  const child = await runChild({
    args: [`--test-reporter=${reporter}`, '--test-reporter-destination=stdout', run.file],
    cwd: run.root,
    // Set by a runner above us: it would let the file speak to that one.
    env: { ...run.env, NODE_TEST_CONTEXT: undefined },
    limitMs: run.limitMs,
    signal: run.signal,
    onEventLine,
  })
  const trouble = findTrouble(child, run, {
    ...{ empty: results.length === 0, complete, running: [...running], counts: tally.counts },
  })
  const { passed, failed, skipped } = tally.counts
  return {
    file: run.file,
    counts: { passed, failed: failed + (trouble === undefined ? 0 : 1), skipped },
    results,
    events,
    trouble,
    ms: child.ms,
    output: child.output,
  }
}

interface Told {
  readonly empty: boolean
  readonly complete: boolean
  readonly running: readonly string[]
  readonly counts: Counts
}

function findTrouble(child: ChildResult, run: FileRun, told: Told): string | undefined {
  const { code, killedBy, timedOut } = child
  if (timedOut) {
    const limit = `was ended after its time limit of ${Math.round(run.limitMs / 1000)} s`
    return told.running.length > 0
      ? `${limit} while this ran: ${told.running.join(' › ')}`
      : `${limit}: no test was running, so something that a test left open (server, socket, timer) kept it alive`
  }
  if (run.signal.aborted) return interrupted(run.signal.reason)
  if (killedBy !== undefined) return `was ended by ${killedBy}`
  if (told.empty && code === 0) return 'has no test'
  if (!told.complete) return `ended with exit code ${code} before all of its tests had run`
  if (code !== 0 && told.counts.failed === 0) return `ended with exit code ${code}, although no test failed`
  return undefined
}

function interrupted(reason: unknown): string {
  if (!(reason instanceof Error) || reason.name === 'AbortError') return 'was interrupted'
  return `was ended, because ${reason.message.split('\n', 1)[0]}`
}
