import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client, Connection } from '@temporalio/client'
import { connectKubernetes, type Kubernetes } from '../../activities/clients/kubernetes.ts'
import { startController } from '../certloom/controller.ts'
import { prepare, preparePolicies, TEMPORAL_NAMESPACE } from '../demo/prepare.ts'
import { installPlugin } from '../plugins/install.ts'
import type { OnProgress } from '../servers/progress.ts'
import { startServers, type LocalServers } from '../servers/servers.ts'

export interface Stage {
  readonly servers: LocalServers
  readonly kubernetes: Kubernetes
  readonly temporal: Client
}

const plugins = {
  'fixture-dns': new URL('../../examples/plugins/fixture-dns.mjs', import.meta.url),
  'expired-token': new URL('plugins/expired-token.mjs', import.meta.url),
}

/** Servers from nothing, certloom with the rights of its service account, the plugins; `stack` ends them all. */
export async function setStage(
  stack: AsyncDisposableStack,
  options: { dataDir: string; signal: AbortSignal; onProgress: OnProgress },
): Promise<Stage> {
  const { signal } = options
  const servers = await startServers({
    ...options,
    parts: ['kube-controller-manager', 'temporal', 'pebble', 'dns'],
    fresh: true,
  })
  stack.defer(() => servers.stop().catch(() => undefined))
  const kubernetes = await connectKubernetes({
    kubeconfig: servers.kubernetes.adminKubeconfigPath,
    userAgent: 'certloom-screenshots',
  })
  stack.defer(() => kubernetes.close())
  const log = () => undefined
  const kubeconfig = await prepare(servers, kubernetes, log, signal)
  await preparePolicies(kubernetes, log, signal)
  const pluginDirectory = join(servers.facts.dataDir, 'plugins')
  for (const [name, file] of Object.entries(plugins))
    await installPlugin(fileURLToPath(file), pluginDirectory, name)
  const controller = await startController({
    servers,
    kubeconfig,
    temporalNamespace: TEMPORAL_NAMESPACE,
    pluginDirectory,
    debug: false,
    signal,
  })
  stack.defer(() => controller.stop())
  const connection = await Connection.connect({ address: servers.temporal.address })
  stack.defer(() => connection.close())
  return { servers, kubernetes, temporal: new Client({ connection, namespace: TEMPORAL_NAMESPACE }) }
}
