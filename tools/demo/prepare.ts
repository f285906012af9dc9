import type { Kubernetes } from '../../activities/clients/kubernetes.ts'
import { setup } from '../../cli/setup/setup.ts'
import type { LocalServers } from '../servers/servers.ts'

export const TEMPORAL_NAMESPACE = 'certloom'
/** The account that `certloom setup` makes for the controller. */
const ACCOUNT = { namespace: 'cert-manager', name: 'cert-manager' }

type Log = (line: string) => void

/**
 * `certloom setup` without the policies, in the cluster and in Temporal side by side. Returns the path of a kubeconfig
 * for the controller: that of its service account, so that it has the rights that it needs and no others.
 */
export async function prepare(
  servers: LocalServers,
  kubernetes: Kubernetes,
  log: Log,
  signal: AbortSignal,
): Promise<string> {
  const temporal = { address: servers.temporal.address, namespace: TEMPORAL_NAMESPACE }
  await Promise.all([setup({ kubernetes, policies: false, log, signal }), setup({ temporal, log, signal })])
  return servers.kubernetes.kubeconfigFor(ACCOUNT.namespace, ACCOUNT.name)
}

/** The rest of `certloom setup`: apart, because a policy takes a second or two to come into force. */
export function preparePolicies(kubernetes: Kubernetes, log: Log, signal: AbortSignal): Promise<void> {
  return setup({ kubernetes, crds: false, rbac: false, log, signal })
}
