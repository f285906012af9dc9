import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KubernetesFacts } from '../facts.ts'
import { httpsRequest } from '../https-request.ts'
import type { ProcessDefinition } from '../managed-process.ts'
import type { PartContext } from './context.ts'
import { base64, writeKubeconfig } from './kubeconfig.ts'
import { askAsAdmin } from './kubernetes-client.ts'

// What our objects need without any node: owner references, namespaces, accounts, aggregated roles, policy status.
const controllers = [
  'garbage-collector-controller',
  'namespace-controller',
  'serviceaccount-controller',
  'serviceaccount-token-controller',
  'clusterrole-aggregation-controller',
  'validatingadmissionpolicy-status-controller',
]

export async function kubeControllerManager(
  context: PartContext,
  program: string,
  port: number,
  facts: KubernetesFacts,
): Promise<ProcessDefinition> {
  const { pki } = context
  const kubeconfig = join(context.dataDir, 'controller-manager.kubeconfig')
  const [cert, key] = await Promise.all([
    readFile(pki.controllerManager.cert),
    readFile(pki.controllerManager.key),
  ])
  await writeKubeconfig(kubeconfig, facts.url, facts.caPem, {
    'client-certificate-data': base64(cert),
    'client-key-data': base64(key),
  })
  return {
    name: 'kube-controller-manager',
    data: [],
    graceMs: 2_000,
    line: {
      command: program,
      args: [
        `--kubeconfig=${kubeconfig}`,
        '--bind-address=127.0.0.1',
        `--secure-port=${port}`,
        `--tls-cert-file=${pki.server.cert}`,
        `--tls-private-key-file=${pki.server.key}`,
        `--controllers=${controllers.join(',')}`,
        '--leader-elect=false',
        // Each controller as an account of its own: their roles come with the API server, one for all of them does not.
        '--use-service-account-credentials',
        `--service-account-private-key-file=${pki.serviceAccountKey}`,
        `--root-ca-file=${pki.caCert}`,
      ],
      env: context.env,
      cwd: context.dataDir,
      log: context.logPath('kube-controller-manager'),
    },
    async ready() {
      const { status, body } = await httpsRequest(`https://127.0.0.1:${port}/healthz`, { ca: pki.caPem })
      if (status !== 200) throw new Error(`/healthz answers ${status}: ${body.slice(0, 300)}`)
      // Healthy comes before working: the first work that others wait for is the default account and the roles.
      const account = await askAsAdmin(facts, 'GET', '/api/v1/namespaces/default/serviceaccounts/default')
      const role = await askAsAdmin(facts, 'GET', '/apis/rbac.authorization.k8s.io/v1/clusterroles/view')
      if (account.status !== 200 || role.status !== 200) return false
      return ((JSON.parse(role.body) as { rules?: unknown[] | null }).rules ?? []).length > 0
    },
  }
}
