import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DataFolder } from './data-folder.ts'
import type { ServersError } from './error.ts'
import type { ServerName, ServersFacts } from './facts.ts'
import { findProgram } from './find-program.ts'
import { LocalProcess, type ProcessDefinition, type ProcessName } from './managed-process.ts'
import type { PartContext } from './parts/context.ts'
import { defaultZones, dns, dnsFacts } from './parts/dns.ts'
import { etcd } from './parts/etcd.ts'
import { kubeApiserver, kubernetesFacts } from './parts/kube-apiserver.ts'
import { kubeControllerManager } from './parts/kube-controller-manager.ts'
import { pebble, pebbleFacts } from './parts/pebble.ts'
import { temporal, temporalFacts } from './parts/temporal.ts'
import { preparePki } from './pki.ts'
import { choosePartPorts } from './part-ports.ts'
import { step } from './progress.ts'
import type { ProgramName } from './programs.ts'
import type { StartOptions } from './servers.ts'
import { StoreProcess } from './store-process.ts'
import type { Supervisor } from './supervisor.ts'

export interface LaunchTools {
  readonly data: DataFolder
  readonly supervisor: Supervisor
  readonly abort: AbortController
  /** Filled as servers start, also when the launch fails in the end. */
  readonly processes: Map<ProcessName, LocalProcess>
  readonly onDeath: (error: ServersError) => void
}

/** Gets the programs and starts the parts, side by side where they do not need each other. @throws ServersError */
export async function launch(
  parts: ReadonlySet<ServerName>,
  options: StartOptions,
  tools: LaunchTools,
): Promise<ServersFacts> {
  const { data, supervisor, processes, onDeath } = tools
  const { signal } = tools.abort
  const report = options.onProgress ?? (() => undefined)
  const context = await prepareContext(data.path)
  const ports = await choosePartPorts(parts, data.ports, options.pebble)
  data.remember({ ports: { ...data.ports, ...onlyChosen(ports) } })

  const find = async (name: ProgramName) =>
    (await findProgram(name, { supervisor, signal, onProgress: options.onProgress })).path

  async function run(definition: ProcessDefinition, dependents: ProcessName[] = []): Promise<void> {
    signal.throwIfAborted()
    const events = { died: onDeath, started: () => data.remember({ pids: pidsOf(processes) }) }
    const known = () => dependents.flatMap((name) => processes.get(name) ?? [])
    const server =
      dependents.length > 0
        ? new StoreProcess(supervisor, definition, events, known)
        : new LocalProcess(supervisor, definition, events)
    processes.set(definition.name, server)
    await step(report, definition.name, 'starting', () => server.start())
  }

  async function startKubernetes() {
    if (!parts.has('etcd')) return undefined
    // All are sought at once: on a new machine they are built, which takes minutes.
    const wanted = (['etcd', 'kube-apiserver', 'kube-controller-manager'] as const).filter((name) =>
      parts.has(name),
    )
    const [etcdPath = '', apiserverPath = '', managerPath = ''] = await Promise.all(wanted.map(find))
    await run(etcd(context, etcdPath, ports.etcd), ['kube-controller-manager', 'kube-apiserver'])
    if (!parts.has('kube-apiserver')) return undefined
    const facts = await kubernetesFacts(context, ports.apiserver, options.audit ?? false)
    await run(await kubeApiserver(context, apiserverPath, ports.apiserver, ports.etcd, facts))
    if (parts.has('kube-controller-manager'))
      await run(await kubeControllerManager(context, managerPath, ports.controllerManager, facts))
    return facts
  }

  async function startTemporal() {
    if (!parts.has('temporal')) return undefined
    const temporalPorts = {
      frontend: ports.temporal,
      ui: ports.temporalUi,
      metrics: ports.temporalMetrics,
    }
    const facts = temporalFacts(context, await find('temporal'), temporalPorts)
    await run(temporal(context, facts, temporalPorts, options.temporal?.dynamicConfig ?? []))
    return facts
  }

  async function startDns() {
    if (!parts.has('dns')) return undefined
    const dnsPorts = {
      authoritative: ports.dnsAuthoritative,
      resolver: ports.dnsResolver,
      control: ports.dnsControl,
    }
    const facts = dnsFacts(dnsPorts, options.dns?.zones ?? defaultZones)
    await run(dns(context, facts, dnsPorts))
    return facts
  }

  async function startPebble() {
    if (!parts.has('pebble')) return undefined
    const pebblePorts = {
      acme: ports.pebble,
      management: ports.pebbleManagement,
      http: ports.pebbleHttp,
      tls: ports.pebbleTls,
    }
    const facts = pebbleFacts(context, pebblePorts)
    const resolver = parts.has('dns') ? { dnsServer: `127.0.0.1:${ports.dnsResolver}` } : {}
    await run(
      await pebble(context, await find('pebble'), facts, pebblePorts, { ...resolver, ...options.pebble }),
    )
    return facts
  }

  const [kubernetes, temporalPart, dnsPart, pebblePart, kubectlPath] = await allOrNone(tools, [
    startKubernetes(),
    startTemporal(),
    startDns(),
    startPebble(),
    parts.has('kubectl') ? find('kubectl') : undefined,
  ])
  return {
    dataDir: data.path,
    ownerPid: process.pid,
    ...(kubernetes && { kubernetes }),
    ...(temporalPart && { temporal: temporalPart }),
    ...(pebblePart && { pebble: pebblePart }),
    ...(dnsPart && { dns: dnsPart }),
    ...(kubectlPath && { kubectlPath }),
  }
}

/** Like Promise.all, but one failure ends the others, and it is reported when they have ended. */
async function allOrNone<T extends readonly unknown[]>(tools: LaunchTools, works: readonly [...T]) {
  try {
    return await Promise.all(works)
  } catch (error) {
    tools.abort.abort(error)
    await stopAll(tools.processes)
    await Promise.allSettled(works)
    throw error
  }
}

/** Stops what runs, each after those that need it. */
export async function stopAll(processes: ReadonlyMap<ProcessName, LocalProcess>): Promise<void> {
  const chains: ProcessName[][] = [
    ['kube-controller-manager', 'kube-apiserver', 'etcd'],
    ['temporal'],
    ['pebble', 'dns'],
  ]
  await Promise.all(
    chains.map(async (chain) => {
      for (const name of chain) await processes.get(name)?.close()
    }),
  )
}

async function prepareContext(dataDir: string): Promise<PartContext> {
  const logs = join(dataDir, 'logs')
  await mkdir(logs, { recursive: true })
  return {
    dataDir,
    pki: await preparePki(join(dataDir, 'pki')),
    env: serverEnvironment(),
    logPath: (name) => join(logs, `${name}.log`),
  }
}

/** Our environment without the variables with which a user steers the same programs elsewhere. */
function serverEnvironment(): NodeJS.ProcessEnv {
  const steering = /^(ETCD_|KUBE|TEMPORAL_|PEBBLE_|NODE_OPTIONS$|NODE_TEST_CONTEXT$|(https?|all)_proxy$)/i
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !steering.test(name)))
}

function onlyChosen(ports: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(ports).filter(([, port]) => port !== 0))
}

function pidsOf(processes: ReadonlyMap<ProcessName, LocalProcess>): number[] {
  return [...processes.values()].flatMap(({ pid }) => pid ?? [])
}
