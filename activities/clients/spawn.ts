import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'

export interface ChildRequest {
  /** Absolute path of the program. It is executed as it is: no shell, no search path. */
  file: string
  args?: readonly string[]
  /** What the program sees as its own name; `file` by default. */
  argv0?: string
  /** The whole environment of the child: nothing is inherited. */
  env: Readonly<Record<string, string>>
  cwd: string
  /** Written to stdin, then end of file. A child that does not read it is not an error. */
  stdin?: Uint8Array
  /** After this time the process group gets SIGTERM, and SIGKILL after `graceMs` more. */
  timeoutMs: number
  /** 5000 by default. */
  graceMs?: number
  /** How many bytes of stdout are kept; with 0, the default, stdout is the null device. */
  stdoutLimit?: number
  /** How many bytes of stderr are kept, 16 KiB by default; the rest is read and dropped. */
  stderrLimit?: number
  /** Ends the child like the timeout does; the promise then rejects with the signal's reason. */
  signal?: AbortSignal
  /** Called every second while the child runs. If it throws, the child is ended and the promise rejects with that. */
  heartbeat?: () => void
}

export interface ChildOutput {
  bytes: Buffer
  /** The child wrote more than was kept. */
  truncated: boolean
}

export interface ChildResult {
  /** Null when a signal ended the child. */
  exitCode: number | null
  signal: NodeJS.Signals | null
  timedOut: boolean
  stdout: ChildOutput
  stderr: ChildOutput
}

const DEFAULT_GRACE_MS = 5000
const DEFAULT_STDERR_LIMIT = 16 * 1024
const HEARTBEAT_MS = 1000
// A process that left the group may hold the pipes for ever: what it writes after the child's end is nobody's business.
const DRAIN_MS = 250
const BUSY_RETRY_MS = [10, 20, 50, 100, 200, 400]

/**
 * The one way to run another program. The child leads a process group of its own, and when it ends, however it ends,
 * whatever is left of that group is killed. Rejects with the system's error (`code` ENOENT, EACCES, …) when the program
 * cannot be started; an exit code other than 0 is a result, not an error.
 */
export async function spawnChild(request: ChildRequest): Promise<ChildResult> {
  request.signal?.throwIfAborted()
  return supervise(await start(request), request)
}

// Another thread's fork may hold a freshly written program open for writing for a moment: ETXTBSY passes by itself.
async function start(request: ChildRequest): Promise<ChildProcess> {
  for (const pause of BUSY_RETRY_MS) {
    try {
      return launch(request)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ETXTBSY') throw error
    }
    await delay(pause)
    request.signal?.throwIfAborted()
  }
  return launch(request)
}

function launch(request: ChildRequest): ChildProcess {
  const { file, args = [], argv0 = file, cwd, stdoutLimit = 0 } = request
  // Without prototypes, a polluted Object.prototype cannot add a shell or a variable. Node would pass its coverage
  // variable on by itself, unless it is there and undefined.
  const env = Object.assign(Object.create(null) as NodeJS.ProcessEnv, request.env, {
    NODE_V8_COVERAGE: undefined,
  })
  const options: SpawnOptions = {
    argv0,
    cwd,
    env,
    shell: false,
    detached: true,
    windowsHide: true,
    stdio: ['pipe', stdoutLimit === 0 ? 'ignore' : 'pipe', 'pipe'],
  }
  return spawn(file, args, Object.assign(Object.create(null) as SpawnOptions, options))
}

function supervise(child: ChildProcess, request: ChildRequest): Promise<ChildResult> {
  const { signal, graceMs = DEFAULT_GRACE_MS } = request
  return new Promise((resolve, reject) => {
    const stdout = keep(child.stdout, request.stdoutLimit ?? 0)
    const stderr = keep(child.stderr, request.stderrLimit ?? DEFAULT_STDERR_LIMIT)
    let timedOut = false
    let abandoned: { reason: unknown } | undefined
    let kill: NodeJS.Timeout | undefined

    const stop = () => {
      if (kill !== undefined) return
      signalGroup(child, 'SIGTERM')
      kill = setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs)
    }
    const abandon = (reason: unknown) => {
      abandoned ??= { reason }
      stop()
    }
    const onAbort = () => abandon(signal?.reason)
    const deadline = setTimeout(() => {
      timedOut = true
      stop()
    }, request.timeoutMs)
    const beat = setInterval(() => {
      try {
        request.heartbeat?.()
      } catch (error) {
        abandon(error)
      }
    }, HEARTBEAT_MS)
    const release = () => {
      clearTimeout(deadline)
      clearTimeout(kill)
      clearInterval(beat)
      signal?.removeEventListener('abort', onAbort)
    }
    signal?.addEventListener('abort', onAbort, { once: true })

    child.stdin?.on('error', () => {
      // EPIPE: the child ended, or closed its stdin, without reading everything. Its exit code tells what that means.
    })
    child.stdin?.end(request.stdin ?? new Uint8Array())

    child.once('error', (error) => {
      if (child.pid !== undefined) return
      release()
      reject(error)
    })
    child.once('exit', (exitCode, endedBy) => {
      release()
      signalGroup(child, 'SIGKILL')
      void drained(child).then(() => {
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the reason is the caller's own
        if (abandoned !== undefined) reject(abandoned.reason)
        else resolve({ exitCode, signal: endedBy, timedOut, stdout: stdout(), stderr: stderr() })
      })
    })
  })
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // ESRCH: nobody is left in the group; EPERM: those who are changed their user, and only the system can end them.
  }
}

function keep(stream: Readable | null, limit: number): () => ChildOutput {
  const chunks: Buffer[] = []
  let kept = 0
  let truncated = false
  stream?.on('data', (chunk: Buffer) => {
    const part = chunk.subarray(0, limit - kept)
    if (part.length > 0) chunks.push(part)
    kept += part.length
    truncated ||= part.length < chunk.length
  })
  stream?.on('error', () => {
    // A broken pipe ends the output; the exit of the child is what counts.
  })
  return () => ({ bytes: Buffer.concat(chunks), truncated })
}

/** Resolves when what the child wrote has been read, at the latest after DRAIN_MS, and lets go of the pipes. */
function drained(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(limit)
      child.off('close', end)
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy()
      resolve()
    }
    const limit = setTimeout(end, DRAIN_MS)
    child.once('close', end)
  })
}
