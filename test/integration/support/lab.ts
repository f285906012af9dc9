import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Client, Connection } from '@temporalio/client'
import { connectKubernetes, type Kubernetes } from '../../../activities/clients/kubernetes.ts'
import { setup } from '../../../cli/setup/setup.ts'
import type { Servers } from '../../../tools/servers/handle.ts'
import { Controller, type Role } from './controller.ts'
import { testFolders, testServers, type TestFolders } from './servers.ts'

export const TEMPORAL_NAMESPACE = 'certloom'

interface Parts extends TestFolders {
  readonly servers: Servers
  readonly kubernetes: Kubernetes
  readonly temporal: Client
  readonly owned: AsyncDisposableStack
}

/** Connects to the servers of the run, with everything that `certloom setup` puts there. */
export async function openParts(): Promise<Parts> {
  await using stack = new AsyncDisposableStack()
  const servers = await testServers()
  const kubernetes = await connectKubernetes({
    kubeconfig: servers.kubernetes.adminKubeconfigPath,
    userAgent: 'test',
  })
  stack.defer(() => kubernetes.close())
  const { address } = servers.temporal
  await setup({
    kubernetes,
    temporal: { address, namespace: TEMPORAL_NAMESPACE },
    log: () => undefined,
    retentionDays: 90,
    crds: true,
    policies: true,
    rbac: true,
    leaseNamespace: 'kube-system',
  })
  const connection = await Connection.connect({ address })
  stack.defer(() => connection.close())
  const temporal = new Client({ connection, namespace: TEMPORAL_NAMESPACE })
  return { servers, kubernetes, temporal, ...(await testFolders(servers)), owned: stack.move() }
}

/**
 * The servers, an administrator's Kubernetes and Temporal client, folders, and controllers as processes with the rights
 * of their service account. `close` ends them all, and what was given to `defer`.
 */
export class Lab {
  readonly servers: Servers
  readonly kubernetes: Kubernetes
  readonly temporal: Client
  /** For plugins and other files; it goes with the run of the tests. */
  readonly folder: string
  /** For logs, named `*.log`: they are kept with those of the servers when a test fails. */
  readonly logs: string
  readonly #owned: AsyncDisposableStack
  readonly #controllers: Controller[] = []

  constructor({ servers, kubernetes, temporal, folder, logs, owned }: Parts) {
    this.servers = servers
    this.kubernetes = kubernetes
    this.temporal = temporal
    this.folder = folder
    this.logs = logs
    this.#owned = owned
  }

  /**
   * Undoes something when the world closes, the last thing first, before the clients close; whatever throws keeps
   * nothing else from being undone.
   */
  defer(undo: () => unknown): void {
    this.#owned.defer(async () => {
      await undo()
    })
  }

  /** @throws Error if a controller had ended by itself, or something could not be undone */
  async close(): Promise<void> {
    await this.#owned.disposeAsync()
  }

  /** What a controller said that ended by itself: no test goes well with that. */
  #crashed(): string | undefined {
    return this.#controllers.find(({ died }) => died !== undefined)?.died
  }

  get pluginDirectory(): string {
    return this.folder
  }

  /** Settings of a controller on these servers, with the rights of the service account only. */
  async settings(): Promise<Record<string, string>> {
    const { dns, kubernetes, temporal } = this.servers
    return {
      KUBECONFIG: await kubernetes.kubeconfigFor('cert-manager', 'cert-manager'),
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE,
      CERTLOOM_PLUGIN_DIRECTORY: this.pluginDirectory,
      CERTLOOM_ALLOW_PRIVATE_ADDRESSES: 'true',
      CERTLOOM_DNS_RESOLVERS: dns.resolver,
      CERTLOOM_DNS_AUTHORITATIVE_PORT: dns.authoritative[0]?.split(':')[1] ?? '53',
      CERTLOOM_LOG_LEVEL: 'debug',
    }
  }

  async startController(
    role: Role = 'all',
    settings: Record<string, string> = {},
    program?: string,
  ): Promise<Controller> {
    return (await this.#controller(role, settings, program)).start()
  }

  /** Starts one that has to wait for the Lease, which another holds: it is ready once it runs. */
  async startWaiting(role: Role, settings: Record<string, string> = {}): Promise<Controller> {
    return (await this.#controller(role, settings)).start(
      /"msg":"(bridge and worker run|bridge runs|worker runs)"/,
    )
  }

  async #controller(role: Role, settings: Record<string, string>, program?: string): Promise<Controller> {
    const env = { ...(await this.settings()), ...settings }
    const log = join(this.logs, `${role}-${this.#controllers.length}.log`)
    const controller = new Controller(role, env, log, program)
    this.#controllers.push(controller)
    this.defer(async () => {
      const { died } = controller
      await controller.stop()
      if (died !== undefined) throw new Error(died)
    })
    return controller
  }

  /** Waits for a fact; says what it saw last when it does not come. */
  async until<T>(what: string, seconds: number, look: () => Promise<T | undefined | false>): Promise<T> {
    const end = Date.now() + seconds * 1000
    let error: unknown
    for (;;) {
      try {
        const found = await look()
        if (found !== undefined && found !== false) return found
        error = undefined
      } catch (caught) {
        error = caught
      }
      const crashed = this.#crashed()
      if (crashed !== undefined) throw new Error(`${what}: ${crashed}`)
      if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`, { cause: error })
      await delay(50)
    }
  }
}
