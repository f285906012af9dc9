import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KubernetesFacts } from '../facts.ts'
import type { ProcessDefinition } from '../managed-process.ts'
import type { PartContext } from './context.ts'
import { askAsAdmin } from './kubernetes-client.ts'
import { base64, writeKubeconfig } from './kubeconfig.ts'

const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
`

/** Addresses and credentials of the API server; writes the administrator's kubeconfig. */
export async function kubernetesFacts(
  context: PartContext,
  port: number,
  audit: boolean,
): Promise<KubernetesFacts> {
  const { pki, dataDir } = context
  const url = `https://127.0.0.1:${port}`
  const adminKubeconfigPath = join(dataDir, 'admin.kubeconfig')
  const [cert, key] = await Promise.all([readFile(pki.admin.cert), readFile(pki.admin.key)])
  await writeKubeconfig(adminKubeconfigPath, url, pki.caPem, {
    'client-certificate-data': base64(cert),
    'client-key-data': base64(key),
  })
  return {
    url,
    caPem: pki.caPem,
    adminKubeconfigPath,
    adminCertPath: pki.admin.cert,
    adminKeyPath: pki.admin.key,
    ...(audit ? { auditLogPath: join(dataDir, 'audit.log') } : {}),
  }
}

export async function kubeApiserver(
  context: PartContext,
  program: string,
  port: number,
  etcdPort: number,
  facts: KubernetesFacts,
): Promise<ProcessDefinition> {
  const { pki } = context
  const auditFlags: string[] = []
  if (facts.auditLogPath) {
    const policy = join(context.dataDir, 'audit-policy.yaml')
    await writeFile(policy, auditPolicy)
    auditFlags.push(
      `--audit-policy-file=${policy}`,
      `--audit-log-path=${facts.auditLogPath}`,
      // Never rotated, for whoever counts in it: by default it begins anew at 100 MB.
      '--audit-log-maxsize=0',
    )
  }
  return {
    name: 'kube-apiserver',
    data: facts.auditLogPath ? [facts.auditLogPath] : [],
    graceMs: 3_000,
    line: {
      command: program,
      args: [
        '--bind-address=127.0.0.1',
        `--secure-port=${port}`,
        '--external-hostname=localhost',
        `--tls-cert-file=${pki.server.cert}`,
        `--tls-private-key-file=${pki.server.key}`,
        `--client-ca-file=${pki.caCert}`,
        `--etcd-servers=https://127.0.0.1:${etcdPort}`,
        `--etcd-cafile=${pki.caCert}`,
        `--etcd-certfile=${pki.etcdClient.cert}`,
        `--etcd-keyfile=${pki.etcdClient.key}`,
        '--authorization-mode=RBAC',
        '--service-account-issuer=https://kubernetes.default.svc',
        `--service-account-key-file=${pki.serviceAccountPublicKey}`,
        `--service-account-signing-key-file=${pki.serviceAccountKey}`,
        '--service-cluster-ip-range=10.0.0.0/24',
        // The Endpoints of the `kubernetes` Service may not hold a loopback address, and nobody here uses them.
        '--endpoint-reconciler-type=none',
        ...auditFlags,
      ],
      env: context.env,
      cwd: context.dataDir,
      log: context.logPath('kube-apiserver'),
    },
    async ready() {
      const { status, body } = await askAsAdmin(facts, 'GET', '/readyz')
      if (status !== 200) throw new Error(`/readyz answers ${status}: ${body.slice(0, 300)}`)
      return true
    },
  }
}
