import { setTimeout as delay } from 'node:timers/promises'
import { rm, stat } from 'node:fs/promises'
import { errorText, ServersError } from './error.ts'
import { logTail } from './log-tail.ts'
import type { Child, CommandLine, Exit, Supervisor } from './supervisor.ts'

/** The parts that run as a process. */
export type ProcessName =
  'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'temporal' | 'pebble' | 'dns'

export interface ProcessStatus {
  /** Process number; undefined while it does not run. */
  readonly pid: number | undefined
  readonly stopped: boolean
  readonly frozen: boolean
}

/** One server under our control. Actions on the same server wait for each other. */
export interface ManagedProcess {
  readonly name: ProcessName
  readonly logPath: string
  /** As of the last answer; through `attachServers` another process may have changed it since: see `status`. */
  readonly pid: number | undefined
  readonly stopped: boolean
  /** Ends it (SIGKILL when no signal is named) and waits until it is gone. @throws ServersError if it stays */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Starts it again on the same ports with the same data and waits until it is ready; nothing if it runs. */
  start(): Promise<void>
  /** Stops it in an orderly way if it runs, then `start`. */
  restart(): Promise<void>
  /** Stops it from running without ending it (SIGSTOP): connections stay open and nothing answers. */
  freeze(): Promise<void>
  thaw(): Promise<void>
  /** Stops it, deletes its data, starts it again on the same ports. */
  wipe(): Promise<void>
  status(): Promise<ProcessStatus>
}

export interface ProcessDefinition {
  readonly name: ProcessName
  readonly line: CommandLine
  /** Files and folders that hold its state. */
  readonly data: readonly string[]
  /** How long it may take to end after SIGTERM, in milliseconds. */
  readonly graceMs: number
  /**
   * Resolves true when the server does its work; anything else, or an error, means: not yet.
   * `logOffset` is the length of the log before this start.
   */
  ready(logOffset: number): Promise<boolean>
}

export interface ProcessEvents {
  /** It ended although nobody asked it to, after it had been ready. */
  died(error: ServersError): void
  /** It runs, under a new process number. */
  started(): void
}

const readyTimeoutMs = 60_000
const pollMs = 50

export class LocalProcess implements ManagedProcess {
  readonly #supervisor: Supervisor
  readonly #definition: ProcessDefinition
  readonly #events: ProcessEvents
  #child: Child | undefined
  #asked = false
  #frozen = false
  #logOffset = 0
  #closed = false
  #queue: Promise<unknown> = Promise.resolve()

  constructor(supervisor: Supervisor, definition: ProcessDefinition, events: ProcessEvents) {
    this.#supervisor = supervisor
    this.#definition = definition
    this.#events = events
  }

  get name() {
    return this.#definition.name
  }

  get logPath() {
    return this.#definition.line.log
  }

  get pid() {
    return this.#child?.pid
  }

  get stopped() {
    return this.#child === undefined
  }

  status(): Promise<ProcessStatus> {
    return Promise.resolve({ pid: this.pid, stopped: this.stopped, frozen: this.#frozen })
  }

  kill(signal: NodeJS.Signals = 'SIGKILL') {
    return this.#inTurn(() => this.#end(signal))
  }

  start() {
    return this.#inTurn(() => this.#start())
  }

  restart() {
    return this.#inTurn(async () => {
      await this.#stop()
      await this.#start()
    })
  }

  freeze() {
    return this.#inTurn(async () => {
      await this.#supervisor.signal(this.#running().pid, 'SIGSTOP')
      this.#frozen = true
    })
  }

  thaw() {
    return this.#inTurn(async () => {
      await this.#supervisor.signal(this.#running().pid, 'SIGCONT')
      this.#frozen = false
    })
  }

  wipe() {
    return this.#inTurn(async () => {
      await this.#stop()
      for (const path of this.#definition.data) await rm(path, { recursive: true, force: true })
      await this.#start()
    })
  }

  /** Orderly stop; it can be started again. */
  halt(): Promise<void> {
    return this.#inTurn(() => this.#stop())
  }

  /** Orderly stop for good: a start that waits for readiness gives up at once, and no later one begins. */
  close(): Promise<void> {
    this.#closed = true
    return this.#inTurn(() => this.#stop())
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work)
    this.#queue = turn.catch(() => undefined)
    return turn
  }

  async #start(): Promise<void> {
    if (this.#child) return
    if (this.#closed) throw new ServersError(`${this.name} is being stopped and cannot start`)
    this.#logOffset = await stat(this.logPath).then(
      ({ size }) => size,
      () => 0,
    )
    const child = await this.#supervisor.start(this.#definition.line)
    this.#child = child
    this.#asked = false
    this.#frozen = false
    let waiting = true
    const died = child.exited.then(async (exit) => {
      if (this.#child === child) this.#child = undefined
      // Now, for whoever asked may start it again while the log is read.
      const asked = this.#asked || waiting
      const error = await this.#deathError(exit)
      if (!asked) this.#events.died(error)
      return error
    })
    try {
      this.#events.started()
      await this.#waitUntilReady(child, died)
    } catch (error) {
      await this.#stop()
      throw error
    } finally {
      waiting = false
    }
  }

  async #waitUntilReady(child: Child, died: Promise<ServersError>): Promise<void> {
    const deadline = Date.now() + readyTimeoutMs
    let last = 'it did not answer'
    while (this.#child === child) {
      if (this.#closed) throw new ServersError(`${this.name} was stopped before it was ready`)
      try {
        const ready = await Promise.race([this.#definition.ready(this.#logOffset), died.then(() => false)])
        if (ready && this.#child === child) return
      } catch (error) {
        last = errorText(error)
      }
      if (Date.now() > deadline)
        throw new ServersError(
          `${this.name} was not ready after ${readyTimeoutMs / 1000} s (${last}); ` +
            `its log is ${this.logPath}\n${await logTail(this.logPath, this.#logOffset)}`,
        )
      await Promise.race([delay(pollMs), died])
    }
    throw await died
  }

  async #stop(): Promise<void> {
    if (!this.#child) return
    // A frozen process would keep SIGTERM until it is thawed.
    if (this.#frozen) await this.#supervisor.signal(this.#child.pid, 'SIGCONT')
    await this.#end('SIGTERM', this.#definition.graceMs).catch(() => this.#end('SIGKILL'))
  }

  async #end(signal: NodeJS.Signals, withinMs = 5_000): Promise<void> {
    const child = this.#child
    if (!child) return
    this.#asked = true
    await this.#supervisor.signal(child.pid, signal)
    const late = new AbortController()
    const gone = await Promise.race([
      child.exited.then(() => true),
      delay(withinMs, false, { signal: late.signal }).catch(() => false),
    ])
    late.abort()
    if (!gone)
      throw new ServersError(`${this.name} (process ${child.pid}) still runs ${withinMs} ms after ${signal}`)
    if (this.#child === child) this.#child = undefined
    this.#frozen = false
  }

  #running(): Child {
    if (!this.#child) throw new ServersError(`${this.name} does not run: start it first`)
    return this.#child
  }

  async #deathError({ code, signal }: Exit): Promise<ServersError> {
    const how = signal ? `was ended by ${signal}` : `ended with exit code ${code}`
    return new ServersError(
      `${this.name} ${how}; its log is ${this.logPath}\n${await logTail(this.logPath, this.#logOffset)}`,
    )
  }
}
