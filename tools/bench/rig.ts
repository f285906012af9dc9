import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import { connectKubernetes } from '../../activities/clients/kubernetes.ts'
import { setup } from '../../cli/setup/setup.ts'
import { startController, type Controller, type Role } from '../certloom/controller.ts'
import { inspectorPort } from '../observe/heap.ts'
import { AcmeProxy } from '../observe/acme-proxy.ts'
import type { OnProgress } from '../servers/progress.ts'
import { startServers, type LocalServers } from '../servers/servers.ts'
import { Arrivals } from './arrivals.ts'
import {
  acmeIssuer,
  caIssuer,
  fixturePlugin,
  installFixturePlugin,
  selfSignedIssuer,
  type IssuerReference,
  type Site,
} from './site.ts'

export const TEMPORAL_NAMESPACE = 'certloom'
const CA_ISSUERS = 10

export interface RigOptions {
  readonly dataDir: string
  /** Certloom's processes write .cpuprofile files into a folder of it for each role. */
  readonly profileDir?: string
  readonly signal: AbortSignal
  readonly onProgress: OnProgress
}

/** A process whose heap can be looked at. */
export interface Inspected extends Controller {
  readonly inspectorPort: number
}

/** Certloom as it runs in a cluster: one bridge, one worker, each a process with the rights of its service account. */
export interface Certloom {
  readonly bridge: Inspected
  readonly worker: Inspected
}

/** Servers, issuers and certloom's processes, everything fresh. Disposing ends them all. */
export interface Rig extends AsyncDisposable {
  readonly site: Site & { readonly servers: LocalServers }
  readonly arrivals: Arrivals
  readonly certloom: Certloom
  readonly selfSigned: IssuerReference
  readonly ca: readonly IssuerReference[]
  /** Straight to Pebble. */
  readonly acme: IssuerReference
  /** Through the proxy, which counts. */
  readonly countedAcme: IssuerReference
  readonly proxy: AcmeProxy
  /** kill -9 to bridge and worker; returns when they are gone. */
  kill(): Promise<void>
  /** Starts bridge and worker side by side; returns when both serve. */
  start(): Promise<Certloom>
  /** Ends both in order, so that they write their profiles, and starts them anew, with further settings. */
  restart(settings?: Readonly<Record<string, string>>): Promise<Certloom>
  /** Ends both in order. */
  stop(): Promise<void>
  /** Rejects when something died that should not have. */
  readonly died: Promise<never>
}

/** @throws ServersError, SetupError, or an Error that names the issuer which does not become Ready */
export async function openRig(options: RigOptions): Promise<Rig> {
  await using stack = new AsyncDisposableStack()
  const { promise: died, reject: onDeath } = Promise.withResolvers<never>()
  died.catch(() => undefined)
  const servers = await startServers({
    dataDir: options.dataDir,
    fresh: true,
    parts: ['etcd', 'kube-apiserver', 'kube-controller-manager', 'temporal', 'pebble', 'dns'],
    audit: true,
    // Speed is measured without the sleeps and the refusals that Pebble makes up, and nothing comes for free.
    pebble: { noSleep: true, nonceReject: 0, authzReuse: 0, keyAlgorithm: 'ecdsa' },
    signal: options.signal,
    onProgress: options.onProgress,
    onDeath,
  })
  stack.defer(() => servers.stop().catch(() => undefined))
  const kubeconfig = servers.kubernetes.adminKubeconfigPath
  const kubernetes = await connectKubernetes({ kubeconfig, userAgent: 'bench' })
  stack.defer(() => kubernetes.close())
  const { address } = servers.temporal
  await setup({
    kubernetes,
    temporal: { address, namespace: TEMPORAL_NAMESPACE },
    log: () => undefined,
    signal: options.signal,
  })
  const connection = await Connection.connect({ address })
  stack.defer(() => connection.close())
  const pluginDirectory = join(servers.facts.dataDir, 'plugins')
  await mkdir(pluginDirectory, { recursive: true })
  const temporal = new Client({ connection, namespace: TEMPORAL_NAMESPACE })
  const site = { servers, kubernetes, temporal, pluginDirectory }

  const processes = new Processes(site, options, onDeath)
  stack.defer(() => processes.stop())
  await processes.start()
  const arrivals = await Arrivals.start(kubernetes)
  stack.defer(() => arrivals.stop())
  const proxy = await AcmeProxy.start(servers)
  stack.defer(() => proxy.close())

  const plugin = await installFixturePlugin(site, fixturePlugin)
  const selfSigned = await selfSignedIssuer(site, 'self-signed')
  const [acme, countedAcme, ...ca] = await Promise.all([
    acmeIssuer(site, 'acme', { server: servers.pebble.directoryUrl, plugin }),
    acmeIssuer(site, 'counted-acme', { server: proxy.directoryUrl, plugin }),
    ...Array.from({ length: CA_ISSUERS }, (_, index) => caIssuer(site, `ca-${index}`, selfSigned)),
  ])
  const owned = stack.move()
  return {
    ...{ site, arrivals, selfSigned, ca, acme, countedAcme, proxy, died },
    get certloom() {
      return processes.running
    },
    kill: () => processes.kill(),
    start: () => processes.start(),
    stop: () => processes.stop(),
    restart: async (settings) => {
      await processes.stop()
      return processes.start(settings)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

class Processes {
  readonly #site: Rig['site']
  readonly #options: RigOptions
  readonly #onDeath: (error: unknown) => void
  #running: Certloom | undefined

  constructor(site: Rig['site'], options: RigOptions, onDeath: (error: unknown) => void) {
    this.#site = site
    this.#options = options
    this.#onDeath = onDeath
  }

  get running(): Certloom {
    if (this.#running === undefined) throw new Error('certloom does not run')
    return this.#running
  }

  async start(settings?: Readonly<Record<string, string>>): Promise<Certloom> {
    const [bridge, worker] = await Promise.all([this.#one('bridge', settings), this.#one('worker', settings)])
    return (this.#running = { bridge, worker })
  }

  async kill(): Promise<void> {
    await Promise.all([this.running.bridge.kill(), this.running.worker.kill()])
    this.#running = undefined
  }

  async stop(): Promise<void> {
    if (this.#running === undefined) return
    await Promise.all([this.#running.bridge.stop(), this.#running.worker.stop()])
    this.#running = undefined
  }

  async #one(role: Role, environment?: Readonly<Record<string, string>>): Promise<Inspected> {
    const { servers, pluginDirectory } = this.#site
    const { profileDir, signal } = this.#options
    const inspector = await inspectorPort()
    const controller = await startController({
      ...{ servers, role, pluginDirectory, signal, environment },
      kubeconfig: await servers.kubernetes.kubeconfigFor('cert-manager', 'cert-manager'),
      temporalNamespace: TEMPORAL_NAMESPACE,
      debug: false,
      nodeArguments:
        profileDir === undefined
          ? [inspector.argument]
          : [inspector.argument, '--cpu-prof', `--cpu-prof-dir=${join(profileDir, role)}`],
    })
    controller.died.catch(this.#onDeath)
    return { ...controller, inspectorPort: inspector.port }
  }
}
