import assert from 'node:assert/strict'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { TLSSocket } from 'node:tls'
import {
  connectKubernetes,
  KubernetesError,
  type KubernetesOptions,
} from '../../activities/clients/kubernetes.ts'
import { preparePki } from '../../tools/servers/pki.ts'
import { readConfiguration } from '../../workers/configuration.ts'
import { ApiStub, json, RESOURCE } from './support/api-stub.ts'

/** A server that demands client certificates of its CA and answers with what it was told about the client. */
async function tlsStub(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'certloom-tls-'))
  const pki = await preparePki(folder)
  const { server, caPem } = pki
  const stub = new ApiStub({
    cert: await readFile(server.cert),
    key: await readFile(server.key),
    ca: caPem,
    requestCert: true,
    rejectUnauthorized: false,
  })
  stub.always.other = (response, { headers, path }) => {
    const { subject } = (response.socket as TLSSocket).getPeerCertificate()
    json(response, 200, { client: subject?.CN ?? null, authorization: headers.authorization ?? null, path })
  }
  await stub.start()
  const url = `https://127.0.0.1:${stub.port}`
  const ask = async (options: KubernetesOptions) => {
    const kubernetes = await connectKubernetes(options)
    t.after(() => kubernetes.close())
    return {
      kubernetes,
      answer: () => kubernetes.request<{ client: unknown; authorization: unknown }>('GET', '/x'),
    }
  }
  t.after(async () => {
    await stub.kill()
    await rm(folder, { recursive: true, force: true })
  })
  return { stub, pki, url, folder, ask }
}

test('endpoint with tls files presents the client certificate and trusts the CA of the file', async (t) => {
  const { pki, url, ask } = await tlsStub(t)
  const { cert, key } = pki.admin
  const block = `k8s_api {\n endpoint ${url}\n tls ${cert} ${key} ${pki.caCert}\n}`
  const { answer, kubernetes } = await ask(readConfiguration({ CERTLOOM_K8S_API: block }).kubernetes)
  assert.deepEqual(await answer(), { client: 'local-admin', authorization: null, path: '/x' })
  assert.equal(kubernetes.server, url)
})

test('a file of tls that is not there is told as such', async () => {
  const tls = { cert: '/nowhere/client.pem', key: '/nowhere/key.pem', ca: '/nowhere/ca.pem' }
  await assert.rejects(
    connectKubernetes({ endpoint: 'https://127.0.0.1:1', tls }),
    (error) =>
      error instanceof KubernetesError &&
      error.message.includes('the files of tls cannot be read (ENOENT)') &&
      error.message.includes('/nowhere/client.pem'),
  )
})

test('a server whose CA is not named is not spoken to', async (t) => {
  const { stub, url, ask } = await tlsStub(t)
  const { answer } = await ask({ endpoint: url })
  await assert.rejects(
    answer(),
    (error) => error instanceof KubernetesError && error.reason === 'ConnectionFailed',
  )
  assert.equal(stub.requests.length, 0)
})

test('a kubeconfig with a context gives server, CA, certificate and token of that context, files relative to it', async (t) => {
  const { url, folder, ask, pki } = await tlsStub(t)
  const file = join(folder, 'config')
  const ca = Buffer.from(pki.caPem).toString('base64')
  await writeFile(
    file,
    `
current-context: wrong
clusters:
- {name: wrong, cluster: {server: "https://127.0.0.1:1"}}
- {name: file, cluster: {server: "${url}/prefix/", certificate-authority: ca.crt}}
- {name: data, cluster: {server: "${url}", certificate-authority-data: ${ca}}}
users:
- {name: cert, user: {client-certificate: admin.crt, client-key: admin.key}}
- {name: token, user: {token: abc}}
- {name: basic, user: {username: u, password: p}}
contexts:
- {name: wrong, context: {cluster: wrong, user: cert}}
- {name: by-cert, context: {cluster: file, user: cert}}
- {name: by-token, context: {cluster: data, user: token}}
- {name: by-password, context: {cluster: data, user: basic}}
`,
  )
  const seen = async (context: string) => (await ask({ kubeconfig: file, context })).answer()
  assert.deepEqual(await seen('by-cert'), { client: 'local-admin', authorization: null, path: '/prefix/x' })
  assert.deepEqual(await seen('by-token'), { client: null, authorization: 'Bearer abc', path: '/x' })
  const basic = `Basic ${Buffer.from('u:p').toString('base64')}`
  assert.deepEqual(await seen('by-password'), { client: null, authorization: basic, path: '/x' })
})

test('a client certificate that was renewed in its file is used after the server refuses the old one', async (t) => {
  const { stub, url, folder, ask, pki } = await tlsStub(t)
  const [cert, key] = [join(folder, 'client.crt'), join(folder, 'client.key')]
  await copyFile(pki.admin.cert, cert)
  await copyFile(pki.admin.key, key)
  const { kubernetes } = await ask({ endpoint: url, tls: { cert, key, ca: pki.caCert } })
  stub.always.other = (response) => {
    const client = (response.socket as TLSSocket).getPeerCertificate().subject.CN
    json(response, client === 'local-admin' ? 401 : 200, { client })
  }
  await copyFile(pki.controllerManager.cert, cert)
  await copyFile(pki.controllerManager.key, key)
  const end = performance.now() + 4000
  let answer: unknown
  while (answer === undefined && performance.now() < end)
    answer = await kubernetes.get('/x').catch(() => undefined)
  assert.deepEqual(answer, { client: 'system:kube-controller-manager' })
})

test('a watch goes over TLS as well', async (t) => {
  const { stub, pki, url, ask } = await tlsStub(t)
  const { kubernetes } = await ask({ endpoint: url, tls: { ...pki.admin, ca: pki.caCert } })
  const controller = new AbortController()
  const watch = await kubernetes.watch(RESOURCE, { resourceVersion: '0' }, { signal: controller.signal })
  stub.put('a')
  for await (const event of watch) {
    assert.equal(event.type, 'ADDED')
    break
  }
})
