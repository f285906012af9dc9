import { Credentials } from './kubernetes/credentials.ts'
import { KubernetesClient } from './kubernetes/client.ts'
import { Transport } from './kubernetes/transport.ts'
import type { Kubernetes, KubernetesOptions } from './kubernetes/types.ts'

export { isStatus, KubernetesError, type Status } from './kubernetes/error.ts'
export type * from './kubernetes/types.ts'

/**
 * Reads kubeconfig or service account and checks that credentials can be had; the first connection is made by the
 * first call. Throws {@link KubernetesError} with reason InvalidConfiguration or CredentialsFailed.
 */
export async function connectKubernetes(options: KubernetesOptions = {}): Promise<Kubernetes> {
  const credentials = new Credentials(options)
  await credentials.current()
  const server = credentials.server.href.replace(/\/$/, '')
  return new KubernetesClient(server, new Transport(credentials, options.userAgent ?? 'certloom'))
}
