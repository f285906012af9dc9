import { readFile } from 'node:fs/promises'
import { ServersError } from '../error.ts'
import type { KubernetesFacts } from '../facts.ts'
import { httpsRequest, type HttpsAnswer } from '../https-request.ts'

type Access = Pick<KubernetesFacts, 'url' | 'caPem' | 'adminCertPath' | 'adminKeyPath'>

/** One call to the API server as its administrator, with an optional JSON body. */
export async function askAsAdmin(
  access: Access,
  method: string,
  path: string,
  body?: unknown,
): Promise<HttpsAnswer> {
  const [cert, key] = await Promise.all([readFile(access.adminCertPath), readFile(access.adminKeyPath)])
  const headers = body === undefined ? {} : { 'content-type': 'application/json' }
  const text = body === undefined ? undefined : JSON.stringify(body)
  return httpsRequest(access.url + path, { method, headers, ca: access.caPem, cert, key }, text)
}

/** A token of a service account, valid for a day. @throws ServersError if there is no such account */
export async function requestToken(access: Access, namespace: string, name: string): Promise<string> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${encodeURIComponent(name)}/token`
  const { status, body } = await askAsAdmin(access, 'POST', path, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 24 * 60 * 60 },
  })
  if (status === 404)
    throw new ServersError(
      `there is no ServiceAccount ${namespace}/${name}: create it before asking for its kubeconfig`,
    )
  const token =
    status === 201 ? (JSON.parse(body) as { status?: { token?: string } }).status?.token : undefined
  if (token === undefined)
    throw new ServersError(
      `kube-apiserver answered ${status} to the TokenRequest for ServiceAccount ${namespace}/${name}`,
    )
  return token
}
