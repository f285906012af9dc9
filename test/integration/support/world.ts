import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Client, Connection } from '@temporalio/client'
import { connectKubernetes, type Kubernetes } from '../../../activities/clients/kubernetes.ts'
import { setup } from '../../../cli/setup/setup.ts'
import type { Certificate } from '../../../k8s-bridge/api/certificate.ts'
import { apiPath, apiVersionOf, type Kind } from '../../../k8s-bridge/api/kinds.ts'
import { cmctlRenew } from '../../../tools/certloom/cmctl.ts'
import { installPlugin } from '../../../tools/plugins/install.ts'
import type { Servers } from '../../../tools/servers/handle.ts'
import { Controller, type Role } from './controller.ts'
import { testFolders, testServers, type TestFolders } from './servers.ts'

export interface AnyObject {
  metadata: Record<string, unknown> & {
    name: string
    namespace?: string
    uid?: string
    resourceVersion?: string
  }
  spec?: unknown
  status?: { conditions?: { type: string; status: string; reason?: string; message?: string }[] } & Record<
    string,
    unknown
  >
  data?: Record<string, string>
}

export interface EventLine {
  kind: string
  name: string
  type: string
  reason: string
  message: string
}

export const TEMPORAL_NAMESPACE = 'certloom'

/**
 * Everything that a test on real servers needs: the servers, an administrator's Kubernetes and Temporal client, a
 * folder of plugins, and controllers as processes with the rights of their service account. `close` ends them all, and
 * what was given to `defer`.
 */
export class World {
  readonly servers: Servers
  readonly kubernetes: Kubernetes
  readonly temporal: Client
  /** For plugins and other files; it goes with the run of the tests. */
  readonly folder: string
  /** For logs, named `*.log`: they are kept with those of the servers when a test fails. */
  readonly logs: string
  readonly #owned: AsyncDisposableStack
  readonly #controllers: Controller[] = []
  #names = 0

  private constructor(
    servers: Servers,
    kubernetes: Kubernetes,
    temporal: Client,
    { folder, logs }: TestFolders,
    owned: AsyncDisposableStack,
  ) {
    this.servers = servers
    this.kubernetes = kubernetes
    this.temporal = temporal
    this.folder = folder
    this.logs = logs
    this.#owned = owned
  }

  static async open(): Promise<World> {
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
    return new World(servers, kubernetes, temporal, await testFolders(servers), stack.move())
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

  /** A namespace of its own, so that tests cannot meet. */
  async namespace(prefix = 'test'): Promise<string> {
    const name = `${prefix}-${process.pid}-${++this.#names}-${Date.now().toString(36)}`
    await this.create('Namespace', { metadata: { name } })
    return name
  }

  create<T = AnyObject>(kind: Kind, object: { metadata: object; [field: string]: unknown }): Promise<T> {
    const { namespace } = object.metadata as { namespace?: string }
    return this.kubernetes.create<T>(apiPath(kind, namespace), {
      apiVersion: apiVersionOf(kind),
      kind,
      ...object,
    })
  }

  /** As `kubectl apply` does. */
  apply<T = AnyObject>(kind: Kind, object: { metadata: object; [field: string]: unknown }): Promise<T> {
    const { namespace, name } = object.metadata as { namespace?: string; name: string }
    const body = { apiVersion: apiVersionOf(kind), kind, ...object }
    return this.kubernetes.apply<T>(apiPath(kind, namespace, name), body, {
      fieldManager: 'kubectl',
      force: true,
    })
  }

  get<T = AnyObject>(kind: Kind, namespace: string | undefined, name: string): Promise<T | undefined> {
    return this.kubernetes.get<T>(apiPath(kind, namespace, name))
  }

  remove(kind: Kind, namespace: string | undefined, name: string): Promise<boolean> {
    return this.kubernetes.delete(apiPath(kind, namespace, name))
  }

  secret(namespace: string, name: string, data: Record<string, string>): Promise<AnyObject> {
    return this.apply('Secret', { metadata: { namespace, name }, stringData: data })
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

  /** Waits until an object is as it should be. */
  untilObject<T = AnyObject>(
    kind: Kind,
    namespace: string | undefined,
    name: string,
    what: string,
    fact: (object: T) => boolean,
    seconds = 30,
  ): Promise<T> {
    let last: T | undefined
    return this.until(`${kind} ${name}: ${what}`, seconds, async () => {
      last = await this.get<T>(kind, namespace, name)
      return last !== undefined && fact(last) ? last : undefined
    }).catch((error: unknown) => {
      const status = (last as AnyObject | undefined)?.status
      throw new Error(`${(error as Error).message}; last status: ${JSON.stringify(status)}`, { cause: error })
    })
  }

  untilGone(kind: Kind, namespace: string | undefined, name: string, seconds = 30): Promise<true> {
    return this.until(
      `${kind} ${name} gone`,
      seconds,
      async () => (await this.get(kind, namespace, name)) === undefined,
    )
  }

  /** Waits until a Certificate is Ready at a revision (any, if none is given) and nothing is being issued. */
  ready(
    namespace: string,
    name: string,
    options: { revision?: number; seconds?: number } = {},
  ): Promise<Certificate> {
    const { revision, seconds = 30 } = options
    return this.untilObject<Certificate>(
      'Certificate',
      namespace,
      name,
      `Ready${revision === undefined ? '' : ` at revision ${revision}`}`,
      (one) =>
        condition(one, 'Ready')?.status === 'True' &&
        condition(one, 'Ready')?.observedGeneration === one.metadata.generation &&
        condition(one, 'Issuing') === undefined &&
        (revision === undefined || one.status?.revision === revision),
      seconds,
    )
  }

  /** The events of an object, in the order in which `kubectl describe` lists them. */
  async events(namespace: string, kind: string, name: string): Promise<EventLine[]> {
    interface Event {
      metadata: { name: string }
      involvedObject: { kind: string; name: string }
      type: string
      reason: string
      message: string
      firstTimestamp: string
    }
    const { items } = await this.kubernetes.list<Event>(apiPath('Event', namespace))
    return items
      .filter((event) => event.involvedObject.kind === kind && event.involvedObject.name === name)
      .sort((a, b) => order(a.firstTimestamp, b.firstTimestamp) || order(a.metadata.name, b.metadata.name))
      .map(({ type, reason, message, involvedObject }) => ({ ...involvedObject, type, reason, message }))
  }

  /** Sets Issuing=True as `cmctl renew` does: an Update of the status. */
  cmctlRenew(namespace: string, name: string): Promise<void> {
    return cmctlRenew(this.kubernetes, namespace, name)
  }

  /** Ids of open workflows whose id begins so. */
  async openWorkflows(prefix: string): Promise<string[]> {
    const found: string[] = []
    for await (const { workflowId } of this.temporal.workflow.list({ query: 'ExecutionStatus="Running"' })) {
      if (workflowId.startsWith(prefix)) found.push(workflowId)
    }
    return found
  }

  // --- ACME with the exec plugin that writes to the DNS fixture ---

  /** Installs our example plugin and a Secret with its configuration; returns the file with its log of calls. */
  async fixturePlugin(name = 'fixture-dns', secretNamespace = 'cert-manager'): Promise<string> {
    const source = new URL('../../../examples/plugins/fixture-dns.mjs', import.meta.url).pathname
    await installPlugin(source, this.pluginDirectory, name)
    const log = join(this.folder, `${name}.jsonl`)
    await this.secret(secretNamespace, name, {
      'config.json': JSON.stringify({ url: this.servers.dns.controlUrl, log }),
    })
    return log
  }

  async pluginCalls(log: string): Promise<{ command: string; fqdn: string; token: string; at: string }[]> {
    const text = await readFile(log, 'utf8').catch(() => '')
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { command: string; fqdn: string; token: string; at: string })
  }

  /** A ClusterIssuer at Pebble that proves names through an exec plugin. */
  acmeIssuer(
    name: string,
    options: { plugin?: string; config?: object; acme?: object; server?: string } = {},
  ): Promise<AnyObject> {
    const { plugin = 'fixture-dns', config, acme, server } = options
    return this.apply('ClusterIssuer', {
      metadata: { name },
      spec: {
        acme: {
          server: server ?? this.servers.pebble.directoryUrl,
          caBundle: Buffer.from(this.servers.pebble.caPem).toString('base64'),
          privateKeySecretRef: { name: `${name}-account` },
          solvers: [
            {
              dns01: {
                webhook: {
                  groupName: 'certloom.dev',
                  solverName: 'exec',
                  config: config ?? { plugin, secretRef: { name: plugin, key: 'config.json' } },
                },
              },
            },
          ],
          ...acme,
        },
      },
    })
  }

  certificate(namespace: string, name: string, spec: object): Promise<Certificate> {
    return this.apply<Certificate>('Certificate', {
      metadata: { namespace, name },
      spec: { secretName: `${name}-tls`, privateKey: { algorithm: 'ECDSA' }, ...spec },
    })
  }
}

export function condition(object: Pick<Certificate, 'status'>, type: string) {
  return object.status?.conditions?.find((one) => one.type === type)
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
