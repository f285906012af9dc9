import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { isErrno, ServersError } from './error.ts'

export interface CommandLine {
  readonly command: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  /** File that gets standard output and error, appended. */
  readonly log: string
}

export interface Exit {
  readonly code: number | null
  readonly signal: string | null
}

export interface Child {
  readonly pid: number
  readonly exited: Promise<Exit>
}

interface Reply {
  readonly id?: number
  readonly pid?: number
  readonly error?: string
  readonly exited?: number
  readonly code?: number | null
  readonly signal?: string | null
}

const program = fileURLToPath(new URL('supervise.mjs', import.meta.url))
// One thread and a small heap: it only waits. About 45 MB resident instead of 60.
const lean = [
  '--v8-pool-size=0',
  '--max-old-space-size=32',
  '--max-semi-space-size=1',
  '--single-threaded-gc',
]

/**
 * Starts children through one helper process (supervise.mjs) that kills every one of them when this process ends,
 * also after kill -9.
 */
export class Supervisor {
  readonly #helper: ChildProcessByStdio<Writable, Readable, null>
  readonly #gone: Promise<unknown>
  readonly #replies = new Map<number, (reply: Reply) => void>()
  readonly #exits = new Map<number, (exit: Exit) => void>()
  #lastId = 0
  #closed = false

  constructor() {
    this.#helper = spawn(process.execPath, [...lean, program], {
      stdio: ['pipe', 'pipe', 'inherit'],
      // A session of its own: the terminal's Ctrl-C must not reach it before we have stopped the servers in order.
      detached: true,
      env: {},
    })
    this.#gone = once(this.#helper, 'exit').finally(() => this.#helperGone())
    this.#helper.stdin.on('error', () => this.#helperGone())
    createInterface({ input: this.#helper.stdout }).on('line', (line) =>
      this.#receive(JSON.parse(line) as Reply),
    )
  }

  get pid(): number | undefined {
    return this.#helper.pid
  }

  /** Starts a child in a process group of its own. @throws ServersError when the system cannot run the command. */
  async start(line: CommandLine): Promise<Child> {
    let settle: (exit: Exit) => void = () => undefined
    const exited = new Promise<Exit>((resolve) => (settle = resolve))
    const reply = await this.#ask({ op: 'start', ...line }, ({ pid }) => {
      // Registered before the next line of the helper is read: a child may end at once.
      if (pid !== undefined) this.#exits.set(pid, settle)
    })
    if (reply.pid === undefined)
      throw new ServersError(`cannot run ${line.command}: ${reply.error ?? 'unknown error'}`)
    return { pid: reply.pid, exited }
  }

  /** Sends a signal to the process group of a child; nothing happens if it has ended. */
  async signal(pid: number, signal: NodeJS.Signals): Promise<void> {
    const reply = await this.#ask({ op: 'signal', pid, signal })
    if (reply.error !== undefined)
      throw new ServersError(`cannot send ${signal} to process ${pid}: ${reply.error}`)
  }

  /** Kills what still runs and ends the helper. */
  async close(): Promise<void> {
    this.#closed = true
    this.#helper.stdin.end()
    await this.#gone
  }

  #ask(request: object, seen?: (reply: Reply) => void): Promise<Reply> {
    if (this.#closed) return Promise.resolve({ error: 'the supervisor of the local servers has ended' })
    const id = ++this.#lastId
    return new Promise((resolve) => {
      this.#replies.set(id, (reply) => {
        seen?.(reply)
        resolve(reply)
      })
      this.#helper.stdin.write(JSON.stringify({ id, ...request }) + '\n')
    })
  }

  #receive(reply: Reply): void {
    if (reply.exited !== undefined) {
      this.#exits.get(reply.exited)?.({ code: reply.code ?? null, signal: reply.signal ?? null })
      this.#exits.delete(reply.exited)
    } else if (reply.id !== undefined) {
      this.#replies.get(reply.id)?.(reply)
      this.#replies.delete(reply.id)
    }
  }

  /** The helper cannot have killed its children if it was itself killed by force: then we do. */
  #helperGone(): void {
    this.#closed = true
    for (const [pid, settle] of this.#exits) {
      try {
        process.kill(-pid, 'SIGKILL')
      } catch (error) {
        if (!isErrno(error, 'ESRCH')) throw error
      }
      settle({ code: null, signal: 'SIGKILL' })
    }
    this.#exits.clear()
    for (const answer of this.#replies.values())
      answer({ error: 'the supervisor of the local servers has ended' })
    this.#replies.clear()
  }
}
