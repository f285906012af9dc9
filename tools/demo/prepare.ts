import type { Kubernetes } from '../../activities/clients/kubernetes.ts'
import { setup } from '../../cli/setup/setup.ts'
import type { LocalServers } from '../servers/servers.ts'

export const TEMPORAL_NAMESPACE = 'certloom'
/** The account that `certloom setup` makes for the controller. */
const ACCOUNT = { namespace: 'cert-manager', name: 'cert-manager' }

/**
 * What `certloom setup` does, in the cluster and in Temporal side by side. Returns the path of a kubeconfig for the
 * controller: that of its service account, so that it has the rights that it needs and no others.
 */
export async function prepare(
  servers: LocalServers,
  kubernetes: Kubernetes,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const temporal = { address: servers.temporal.address, namespace: TEMPORAL_NAMESPACE }
  await Promise.all([setup({ kubernetes, log, signal }), setup({ temporal, log, signal })])
  return servers.kubernetes.kubeconfigFor(ACCOUNT.namespace, ACCOUNT.name)
}
