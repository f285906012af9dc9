import { spawn, type ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const certloom = fileURLToPath(new URL('../../../cli/certloom.ts', import.meta.url))

export type Role = 'all' | 'bridge' | 'worker'

/** A process of certloom as operators run it. */
export class Controller {
  readonly logPath: string
  readonly #role: Role
  readonly #env: Record<string, string>
  readonly #program: string
  #child: ChildProcess | undefined
  /** One that refuses to start is what some tests want. */
  #mayEnd = true
  #died: string | undefined

  /** @param program what is run instead of certloom itself, such as a test build of a role */
  constructor(role: Role, env: Record<string, string>, logPath: string, program = certloom) {
    this.#role = role
    this.#program = program
    this.#env = env
    this.logPath = logPath
  }

  /** Starts it and waits for the log line that says that it works. */
  async start(ready = /"msg":"(worker polls|bridge runs)"/): Promise<this> {
    const child = spawn(process.execPath, [this.#program, this.#role], {
      env: { ...process.env, ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    const log = createWriteStream(this.logPath, { flags: 'a' })
    let seen = ''
    const isReady = Promise.withResolvers<void>()
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        log.write(chunk)
        if (ready.test((seen = (seen + chunk.toString()).slice(-20_000)))) isReady.resolve()
      })
    }
    child.once('exit', (code, signal) => {
      log.end()
      const how = `certloom ${this.#role} ended with ${code ?? signal}; see ${this.logPath}:\n${seen.slice(-2000)}`
      isReady.reject(new Error(how))
      if (!this.#mayEnd) this.#died = how
    })
    const limit = setTimeout(
      () =>
        isReady.reject(new Error(`certloom ${this.#role} is not ready after 60 s:\n${seen.slice(-2000)}`)),
      60_000,
    )
    await isReady.promise.finally(() => clearTimeout(limit))
    this.#mayEnd = false
    return this
  }

  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined) throw new Error('the controller was not started')
    return pid
  }

  /** How it ended where nobody had asked it to, or waited for it: a crash. */
  get died(): string | undefined {
    return this.#died
  }

  /** kill -9, or SIGSTOP and SIGCONT to freeze and thaw. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#mayEnd ||= signal !== 'SIGSTOP' && signal !== 'SIGCONT'
    this.#child?.kill(signal)
  }

  /** Waits until the process is gone, after `kill` or by itself. */
  async ended(): Promise<void> {
    this.#mayEnd = true
    if (this.#child === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return
    await once(this.#child, 'exit')
  }

  /** Ends it in order, as Kubernetes would. */
  async stop(): Promise<void> {
    this.kill('SIGTERM')
    const limit = setTimeout(() => this.kill('SIGKILL'), 20_000)
    await this.ended()
    clearTimeout(limit)
  }

  log(): Promise<string> {
    return readFile(this.logPath, 'utf8')
  }
}
