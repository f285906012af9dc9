import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ServersError } from '../servers/error.ts'
import { logTail, readFrom } from '../servers/log-tail.ts'
import { choosePorts } from '../servers/ports.ts'
import type { Servers } from '../servers/handle.ts'
import { Supervisor } from '../servers/supervisor.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

const READY_MS = 60_000
const POLL_MS = 50
/** The controller gives running steps 10 s; nobody who pressed Ctrl-C waits for them. */
const GRACE_MS = 4_000
/** The last thing that a role says before it serves. */
const SERVES = { all: '"worker polls"', worker: '"worker polls"', bridge: '"bridge runs"' } as const

export type Role = keyof typeof SERVES

export interface ControllerOptions {
  readonly servers: Servers
  readonly kubeconfig: string
  readonly temporalNamespace: string
  readonly pluginDirectory: string
  readonly debug: boolean
  readonly signal: AbortSignal
  /** 'all' when not given. */
  readonly role?: Role
  /** Further variables of its environment. */
  readonly environment?: Readonly<Record<string, string>>
  /** Further arguments of Node. */
  readonly nodeArguments?: readonly string[]
}

export interface Controller {
  readonly pid: number
  readonly logPath: string
  /** What `/readyz?verbose` answers: a line for each check, such as `[+]comparison ok`. */
  readiness(): Promise<string>
  /** The last lines that it has written. */
  tail(): Promise<string>
  /** Rejects when it ends although nobody asked it to; never resolves. */
  readonly died: Promise<never>
  /** Ends it in order, as Kubernetes does; by force after four seconds. */
  stop(): Promise<void>
  /** kill -9. */
  kill(): Promise<void>
}

/**
 * Runs `certloom all`, or one of its roles, as a child process against local servers and waits until it serves. It ends
 * with this process, however that dies. @throws ServersError with the last lines of its log
 */
export async function startController(options: ControllerOptions): Promise<Controller> {
  const { servers, signal, role = 'all' } = options
  const name = role === 'all' ? 'certloom' : `certloom-${role}`
  const logPath = join(servers.facts.dataDir, 'logs', `${name}.log`)
  const { health } = await choosePorts({ health: {} })
  // A kept folder holds the log of the last start.
  const logOffset = await stat(logPath).then(
    ({ size }) => size,
    () => 0,
  )
  const tail = () => logTail(logPath, logOffset)
  const supervisor = new Supervisor()
  let stopping: Promise<void> | undefined
  let exited: Promise<unknown> = Promise.resolve()
  let pid = 0
  const end = (signalName: 'SIGTERM' | 'SIGKILL') =>
    (stopping ??= (async () => {
      const late = new AbortController()
      await supervisor.signal(pid, signalName).catch(() => undefined)
      await Promise.race([exited, delay(GRACE_MS, undefined, { signal: late.signal }).catch(() => undefined)])
      late.abort()
      await supervisor.close()
    })())
  const stop = () => end('SIGTERM')
  try {
    const child = await supervisor.start({
      command: process.execPath,
      args: [...(options.nodeArguments ?? []), join(root, 'cli', 'certloom.ts'), role],
      env: environment(options, health),
      cwd: root,
      log: logPath,
    })
    pid = child.pid
    exited = child.exited
    const died = child.exited.then(async ({ code, signal: by }): Promise<never> => {
      if (stopping !== undefined) return new Promise(() => undefined)
      const how = by === null ? `ended with exit code ${code}` : `was ended by ${by}`
      throw new ServersError(`certloom ${role} ${how}; its log is ${logPath}\n${await tail()}`)
    })
    died.catch(() => undefined)
    const serves = async () =>
      // Ready is said before the Lease is taken, too: polling begins with it.
      (await answersOk(`http://127.0.0.1:${health}/readyz`)) &&
      (await readFrom(logPath, logOffset)).includes(SERVES[role])
    await Promise.race([untilReady(role, serves, logPath, tail, signal), died])
    const readiness = () => ask(`http://127.0.0.1:${health}/readyz?verbose`).then((answer) => answer.text())
    return { pid, logPath, readiness, tail, died, stop, kill: () => end('SIGKILL') }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The settings of an operator who lets certloom use loopback addresses, and nothing of ours that steers it elsewhere. */
function environment(options: ControllerOptions, healthPort: number): NodeJS.ProcessEnv {
  const { temporal, dns } = options.servers
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(CERTLOOM_|TEMPORAL_|KUBE|NODE_TEST)/.test(name),
  )
  return {
    ...Object.fromEntries(inherited),
    KUBECONFIG: options.kubeconfig,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: options.temporalNamespace,
    CERTLOOM_PLUGIN_DIRECTORY: options.pluginDirectory,
    CERTLOOM_ALLOW_PRIVATE_ADDRESSES: 'true',
    CERTLOOM_DNS_RESOLVERS: dns.resolver,
    CERTLOOM_DNS_AUTHORITATIVE_PORT: (dns.authoritative[0] ?? '').split(':').at(-1),
    CERTLOOM_HEALTH_ADDRESS: `127.0.0.1:${healthPort}`,
    CERTLOOM_LOG_LEVEL: options.debug ? 'debug' : 'info',
    ...options.environment,
  }
}

function ask(url: string): Promise<Response> {
  return fetch(url, { signal: AbortSignal.timeout(5_000) })
}

async function answersOk(url: string): Promise<boolean> {
  return ask(url).then(
    (answer) => answer.ok,
    () => false,
  )
}

async function untilReady(
  role: Role,
  serves: () => Promise<boolean>,
  logPath: string,
  tail: () => Promise<string>,
  signal: AbortSignal,
): Promise<void> {
  for (const deadline = Date.now() + READY_MS; !(await serves()); await delay(POLL_MS, undefined, { signal }))
    if (Date.now() > deadline)
      throw new ServersError(
        `certloom ${role} was not ready after ${READY_MS / 1000} s; its log is ${logPath}\n${await tail()}`,
      )
}
