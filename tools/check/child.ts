import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { eventsDescriptor } from './test-event.ts'

export interface ChildOptions {
  readonly args: readonly string[]
  readonly cwd: string
  readonly env?: NodeJS.ProcessEnv
  /** Time after which it is killed with all of its children, in milliseconds. */
  readonly limitMs: number
  readonly signal: AbortSignal
  /** Hears every line that the child writes to `eventsDescriptor`. */
  readonly onEventLine?: (line: string) => void
}

export interface ChildResult {
  /** Undefined when it was ended by a signal. */
  readonly code: number | undefined
  readonly killedBy: NodeJS.Signals | undefined
  readonly timedOut: boolean
  readonly ms: number
  /** The end of standard output and error, as they came. */
  readonly output: string
}

const keptOutput = 200_000
const graceMs = 5_000

/** Runs a program of ours on this very Node, in a process group of its own so that none of its children outlives it. */
export async function runChild(options: ChildOptions): Promise<ChildResult> {
  const started = performance.now()
  const child = spawn(process.execPath, options.args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const closed = once(child, 'close')
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-keptOutput)
    })
  }
  readLines(child.stdio[eventsDescriptor] as Readable, options.onEventLine ?? (() => undefined))

  let timedOut = false
  const timers: NodeJS.Timeout[] = []
  const end = () => {
    killGroup(child.pid, 'SIGTERM')
    timers.push(setTimeout(() => killGroup(child.pid, 'SIGKILL'), graceMs))
  }
  timers.push(
    setTimeout(() => {
      timedOut = true
      end()
    }, options.limitMs),
  )
  options.signal.addEventListener('abort', end, { once: true })
  if (options.signal.aborted) end()
  try {
    const [code, signal] = await exited
    // A child of the child that lives on would hold the pipes open for ever.
    killGroup(child.pid, 'SIGKILL')
    await closed
    return {
      code: code ?? undefined,
      killedBy: signal ?? undefined,
      timedOut,
      ms: performance.now() - started,
      output,
    }
  } finally {
    timers.forEach(clearTimeout)
    options.signal.removeEventListener('abort', end)
  }
}

function readLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    lines.forEach(onLine)
  })
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
