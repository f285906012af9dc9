import { readFile, rename, writeFile } from 'node:fs/promises'
import type { Action, ControlEndpoint } from './control.ts'
import { errorText, ServersError } from './error.ts'
import type { ServersFacts } from './facts.ts'
import { serversOf, type Servers } from './handle.ts'
import type { ManagedProcess, ProcessName, ProcessStatus } from './managed-process.ts'

/** Environment variable in which the test runner names the file of `saveServers`. */
export const serversFileVariable = 'CERTLOOM_TEST_SERVERS'

interface SharedFile {
  readonly facts: ServersFacts
  readonly control: ControlEndpoint
  readonly processes: readonly {
    readonly name: ProcessName
    readonly logPath: string
    readonly status: ProcessStatus
  }[]
}

/** What `startServers` returns and `saveServers` writes down. */
export interface Shareable {
  readonly facts: ServersFacts
  readonly control: ControlEndpoint
  readonly processes: readonly ManagedProcess[]
}

/** Writes addresses and control of running servers to a file that only its owner may read. */
export async function saveServers(servers: Shareable, file: string): Promise<void> {
  const processes = await Promise.all(
    servers.processes.map(async (one) => ({
      name: one.name,
      logPath: one.logPath,
      status: await one.status(),
    })),
  )
  const { url, token } = servers.control
  const content: SharedFile = { facts: servers.facts, control: { url, token }, processes }
  await writeFile(`${file}.part`, JSON.stringify(content, null, 2), { mode: 0o600 })
  await rename(`${file}.part`, file)
}

/**
 * The servers that another process started and wrote to `file` with `saveServers`: addresses and the control of each
 * process (carried out by the owner). Nothing has to be closed here.
 * @throws ServersError when the file is not there or the owner no longer answers
 */
export async function attachServers(file: string): Promise<Servers> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new ServersError(`cannot read the servers file ${file}: ${errorText(error)}`)
  })
  const { facts, control, processes } = JSON.parse(text) as SharedFile
  const remote = new Map<ProcessName, RemoteProcess>()
  for (const { name, logPath, status } of processes)
    remote.set(name, new RemoteProcess(name, logPath, control, status))
  await Promise.all([...remote.values()].map((one) => one.status()))
  return serversOf(facts, remote)
}

class RemoteProcess implements ManagedProcess {
  readonly name: ProcessName
  readonly logPath: string
  readonly #control: ControlEndpoint
  #status: ProcessStatus

  constructor(name: ProcessName, logPath: string, control: ControlEndpoint, status: ProcessStatus) {
    this.name = name
    this.logPath = logPath
    this.#control = control
    this.#status = status
  }

  get pid() {
    return this.#status.pid
  }

  get stopped() {
    return this.#status.stopped
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL') {
    await this.#ask('kill', `?signal=${signal}`)
  }

  async start() {
    await this.#ask('start')
  }

  async restart() {
    await this.#ask('restart')
  }

  async freeze() {
    await this.#ask('freeze')
  }

  async thaw() {
    await this.#ask('thaw')
  }

  async wipe() {
    await this.#ask('wipe')
  }

  status() {
    return this.#ask('status')
  }

  async #ask(action: Action, query = ''): Promise<ProcessStatus> {
    const { url, token } = this.#control
    const response = await fetch(`${url}/${this.name}/${action}${query}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, connection: 'close' },
    }).catch((error: unknown) => {
      throw new ServersError(`the process that keeps the servers no longer answers at ${url}`, {
        cause: error,
      })
    })
    const body = (await response.json()) as ProcessStatus & { error?: string }
    if (body.error !== undefined) throw new ServersError(body.error)
    return (this.#status = body)
  }
}
