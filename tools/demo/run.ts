import { join } from 'node:path'
import { connectKubernetes } from '../../activities/clients/kubernetes.ts'
import { installPlugin } from '../plugins/install.ts'
import { showProgress } from '../servers/progress.ts'
import { startServers, type LocalServers } from '../servers/servers.ts'
import type { DemoArguments } from './arguments.ts'
import { startController } from '../certloom/controller.ts'
import type { Display } from './display.ts'
import { connectTemporal } from './history.ts'
import { prepare, preparePolicies, TEMPORAL_NAMESPACE } from './prepare.ts'
import { Scene } from './scene.ts'

/**
 * The whole demo: servers, cluster, controller, issuer, certificate, report; then it stays until the signal aborts.
 * Everything that it started has ended when it returns or throws. Returns the exit code.
 */
export async function runDemo(args: DemoArguments, display: Display, end: AbortSignal): Promise<number> {
  await using stack = new AsyncDisposableStack()
  // Whatever is waited for: it is given up when somebody wants to go, or when a process that it needs has died.
  const death = new AbortController()
  const signal = AbortSignal.any([end, death.signal])

  display.print(`${display.style('bold', 'certloom demo')}, data and logs in ${args.data}\n`)
  const servers = await launchServers(args, display, end, (error) => death.abort(error))
  stack.defer(() => servers.stop().catch(() => undefined))
  const kubernetes = await connectKubernetes({
    kubeconfig: servers.kubernetes.adminKubeconfigPath,
    userAgent: 'certloom-demo',
  })
  stack.defer(() => kubernetes.close())

  const log = (line: string) => args.verbose && display.print(`  ${line}`)
  const kubeconfig = await display.phase(
    'setup',
    'CRDs, rights, Temporal namespace',
    () => prepare(servers, kubernetes, log, signal),
    () => 'CRDs, rights and the Temporal namespace are there',
  )
  // The policies come into force while the controller starts; it has nothing to write yet.
  const policies = preparePolicies(kubernetes, log, signal)
  policies.catch(() => undefined)
  const pluginDirectory = join(servers.facts.dataDir, 'plugins')
  await installPlugin(args.plugin, pluginDirectory, 'fixture-dns')
  const controller = await display.phase(
    'controller',
    'certloom all starts',
    () =>
      startController({
        servers,
        kubeconfig,
        temporalNamespace: TEMPORAL_NAMESPACE,
        pluginDirectory,
        debug: args.verbose,
        signal,
      }),
    ({ pid }) => `certloom all runs as process ${pid}, with the rights of its service account`,
  )
  stack.defer(() => controller.stop())
  controller.died.catch((error: unknown) => death.abort(error))
  await display.phase(
    'policies',
    'admission policies come into force',
    () => policies,
    () => 'admission policies are in force',
  )

  const temporal = await connectTemporal(servers.temporal.address, TEMPORAL_NAMESPACE)
  stack.defer(() => temporal.connection.close())
  await using scene = new Scene({
    args,
    display,
    servers,
    kubernetes,
    temporal,
    controller,
    signal,
  })
  await scene.open()
  if (!(await scene.issuerReady()) || !(await scene.certificateReady())) return 1
  const good = await scene.report()
  if (!args.once) {
    scene.stay()
    await aborted(signal)
    display.live(undefined)
    if (death.signal.aborted) throw death.signal.reason
    display.print('\nStopping…')
  }
  return good ? 0 : 1
}

async function launchServers(
  args: DemoArguments,
  display: Display,
  end: AbortSignal,
  onDeath: (error: Error) => void,
): Promise<LocalServers> {
  const began = performance.now()
  const progress = showProgress()
  // Once they run, they are stopped last and in order: not by the signal that ends everything else.
  const starting = new AbortController()
  const onEnd = () => starting.abort(end.reason)
  end.addEventListener('abort', onEnd, { once: true })
  try {
    end.throwIfAborted()
    const servers = await startServers({
      dataDir: args.data,
      parts: ['kube-controller-manager', 'temporal', 'pebble', 'dns', 'kubectl'],
      fresh: !args.keep,
      signal: starting.signal,
      onProgress: progress.onProgress,
      onDeath,
    })
    progress.close()
    const names = servers.processes.map(({ name }) => name).join(', ')
    display.done('servers', names, performance.now() - began)
    return servers
  } finally {
    progress.close()
    end.removeEventListener('abort', onEnd)
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((done) => signal.addEventListener('abort', () => done(), { once: true }))
}
