import { serveControl, type Control } from './control.ts'
import { DataFolder } from './data-folder.ts'
import { ServersError } from './error.ts'
import { serverNames, type ServerName, type ServersFacts } from './facts.ts'
import { serversOf, type Servers } from './handle.ts'
import { whenLauncherDies } from './launcher.ts'
import type { LocalProcess, ManagedProcess, ProcessName } from './managed-process.ts'
import { launch, stopAll } from './launch.ts'
import type { PebbleOptions } from './parts/pebble.ts'
import type { OnProgress } from './progress.ts'
import { Supervisor } from './supervisor.ts'

export interface StartOptions {
  /** Folder for data, certificates and logs; made if missing, never shared by two running owners. */
  readonly dataDir: string
  /** What to start. What a part cannot do without is started too: the API server brings etcd. */
  readonly parts: readonly ServerName[]
  /** Delete the folder's content first. */
  readonly fresh?: boolean
  readonly pebble?: PebbleOptions
  readonly dns?: { readonly zones?: readonly string[] }
  /** Further `key=value` pairs, the value in JSON, for Temporal's dynamic configuration. */
  readonly temporal?: { readonly dynamicConfig?: readonly string[] }
  /** Write an audit log of the API server, level Metadata. */
  readonly audit?: boolean
  /** Aborting stops everything, also later. */
  readonly signal?: AbortSignal
  readonly onProgress?: OnProgress
  /** Hears of a server that ended although nobody asked it to. */
  readonly onDeath?: (error: ServersError) => void
}

export interface LocalServers extends Servers {
  readonly processes: readonly ManagedProcess[]
  readonly control: Control
  /** Process number of the helper that kills the servers when this process is gone. */
  readonly supervisorPid: number | undefined
  /** @throws ServersError if a server has ended although nobody asked it to, with the last lines of its log */
  check(): void
  /**
   * Stops all servers in reverse order; calling it again is harmless.
   * @throws ServersError as `check` does, after everything is stopped
   */
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const needs: Partial<Record<ServerName, readonly ServerName[]>> = {
  'kube-apiserver': ['etcd'],
  'kube-controller-manager': ['etcd', 'kube-apiserver'],
}

/**
 * Starts real servers on free loopback ports and waits until each does its work. Programs that are missing are fetched
 * or built first. When this process ends, however it dies, so do the servers.
 * @throws ServersError naming the server, the reason and the last lines of its log; nothing is left running then
 */
export async function startServers(options: StartOptions): Promise<LocalServers> {
  const parts = withNeeds(options.parts)
  options.signal?.throwIfAborted()
  const data = await DataFolder.open(options.dataDir, options.fresh ?? false)
  const supervisor = new Supervisor()
  const abort = new AbortController()
  const deaths: ServersError[] = []
  const processes = new Map<ProcessName, LocalProcess>()
  let launching: Promise<ServersFacts> | undefined
  let control: Control | undefined
  let stopping: Promise<void> | undefined

  const onDeath = (error: ServersError) => {
    if (stopping) return
    deaths.push(error)
    options.onDeath?.(error)
  }
  const stop = () => (stopping ??= stopEverything())
  async function stopEverything() {
    abort.abort(new ServersError('the local servers are being stopped'))
    forgetLauncher()
    options.signal?.removeEventListener('abort', onAbort)
    control?.close()
    await stopAll(processes)
    // What was still being built or fetched ends with the abort.
    await launching?.catch(() => undefined)
    await supervisor.close()
    data.remember({ pids: [] })
    data.close()
  }
  const onAbort = () => void stop()
  options.signal?.addEventListener('abort', onAbort, { once: true })
  const forgetLauncher = whenLauncherDies(() => {
    // Whoever started us is gone and cannot pass signals on any more: end as if it had.
    void stop().finally(() => process.kill(process.pid, 'SIGTERM'))
  })

  let facts: ServersFacts
  try {
    launching = launch(parts, options, { data, supervisor, abort, processes, onDeath })
    facts = await launching
    control = await serveControl(processes)
    // Aborted in the very last moment: whoever asked must not get servers that are being stopped.
    abort.signal.throwIfAborted()
  } catch (error) {
    await stop()
    options.signal?.throwIfAborted()
    throw error
  }

  const check = () => {
    if (deaths[0]) throw deaths[0]
  }
  const stopAndCheck = async () => {
    await stop()
    check()
  }
  return Object.assign(serversOf(facts, processes), {
    processes: [...processes.values()],
    control,
    supervisorPid: supervisor.pid,
    check,
    stop: stopAndCheck,
    [Symbol.asyncDispose]: stopAndCheck,
  })
}

function withNeeds(parts: readonly ServerName[]): ReadonlySet<ServerName> {
  for (const name of parts)
    if (!serverNames.includes(name))
      throw new ServersError(`there is no server '${String(name)}': choose among ${serverNames.join(', ')}`)
  return new Set(parts.flatMap((name) => [...(needs[name] ?? []), name]))
}
