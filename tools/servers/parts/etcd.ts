import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { httpsRequest } from '../https-request.ts'
import type { ProcessDefinition } from '../managed-process.ts'
import type { PartContext } from './context.ts'

export function etcd(context: PartContext, program: string, port: number): ProcessDefinition {
  const { pki } = context
  const url = `https://127.0.0.1:${port}`
  const data = join(context.dataDir, 'etcd')
  return {
    name: 'etcd',
    data: [data],
    graceMs: 2_000,
    line: {
      command: program,
      args: [
        `--data-dir=${data}`,
        // Safe against a killed process; only a power cut could lose the last writes.
        '--unsafe-no-fsync',
        `--listen-client-urls=${url}`,
        `--advertise-client-urls=${url}`,
        '--listen-peer-urls=http://127.0.0.1:0',
        `--cert-file=${pki.server.cert}`,
        `--key-file=${pki.server.key}`,
        `--trusted-ca-file=${pki.caCert}`,
        '--client-cert-auth',
        // The gateway would need our server certificate to be a client's as well.
        '--enable-grpc-gateway=false',
        '--log-level=warn',
        '--auto-compaction-mode=periodic',
        '--auto-compaction-retention=1h',
      ],
      env: context.env,
      cwd: context.dataDir,
      log: context.logPath('etcd'),
    },
    async ready() {
      const [cert, key] = await Promise.all([readFile(pki.etcdClient.cert), readFile(pki.etcdClient.key)])
      const { status, body } = await httpsRequest(`${url}/health`, { ca: pki.caPem, cert, key })
      return status === 200 && (JSON.parse(body) as { health?: string }).health === 'true'
    },
  }
}
