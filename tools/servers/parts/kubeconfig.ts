import { writeFile } from 'node:fs/promises'

export type KubeconfigUser =
  | { readonly token: string }
  | { readonly 'client-certificate-data': string; readonly 'client-key-data': string }

/** Writes a kubeconfig that only its owner may read (JSON, which is YAML). */
export async function writeKubeconfig(
  file: string,
  url: string,
  caPem: string,
  user: KubeconfigUser,
): Promise<void> {
  const name = 'certloom-local'
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: url, 'certificate-authority-data': base64(caPem) } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  }
  await writeFile(file, JSON.stringify(config, null, 2) + '\n', { mode: 0o600 })
}

export function base64(text: string | Buffer): string {
  return Buffer.from(text).toString('base64')
}
