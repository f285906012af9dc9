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
import { ConnectionBlockError, parseConnectionBlock } from '../../k8s-bridge/informers/connection-block.ts'
import { preparePki } from '../../tools/servers/pki.ts'
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
  const block = parseConnectionBlock(`k8s_api {\n endpoint ${url}\n tls ${cert} ${key} ${pki.caCert}\n}`)
  const { answer, kubernetes } = await ask(block)
  assert.deepEqual(await answer(), { client: 'local-admin', authorization: null, path: '/x' })
  assert.equal(kubernetes.server, url)
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

test('kubeconfig FILE CONTEXT takes server, CA, certificate and token of that context, files relative to it', async (t) => {
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
  const seen = async (context: string) =>
    (await ask(parseConnectionBlock(`k8s_api {\n kubeconfig "${file}" ${context}\n}`))).answer()
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

test('the block is read as CoreDNS reads it', () => {
  assert.deepEqual(parseConnectionBlock(''), {})
  assert.deepEqual(parseConnectionBlock('k8s_api'), {})
  assert.deepEqual(parseConnectionBlock('# a comment\nk8s_api {\n}\n'), {})
  assert.deepEqual(parseConnectionBlock('k8s_api {\n tls a b c # unused without endpoint\n}'), {})
  assert.deepEqual(parseConnectionBlock('k8s_api {\n endpoint http://x\n}'), { endpoint: 'http://x' })
  assert.deepEqual(parseConnectionBlock('k8s_api {\n endpoint http://x\n kubeconfig "my file" dev\n}'), {
    kubeconfig: 'my file',
    context: 'dev',
  })
  assert.deepEqual(parseConnectionBlock('k8s_api {\n kubeconfig f\n}'), { kubeconfig: 'f' })
})

for (const [what, text, message] of [
  [
    'an unknown property',
    'k8s_api {\n namespaces a\n}',
    /line 2: unknown property "namespaces": known are endpoint/,
  ],
  ['a name of Object.prototype', 'k8s_api {\n constructor a\n}', /unknown property "constructor"/],
  ['endpoint without URL', 'k8s_api {\n endpoint\n}', /endpoint has 0 arguments: write endpoint URL/],
  ['two URLs', 'k8s_api {\n endpoint a b\n}', /endpoint has 2 arguments/],
  ['tls with two files', 'k8s_api {\n tls a b\n}', /tls has 2 arguments: write tls CERT KEY CACERT/],
  ['kubeconfig without file', 'k8s_api {\n kubeconfig\n}', /write kubeconfig KUBECONFIG \[CONTEXT\]/],
  ['a property set twice', 'k8s_api {\n endpoint a\n endpoint b\n}', /line 3: endpoint is set twice/],
  ['a second block', 'k8s_api {\n}\nk8s_api {\n}', /only once/],
  ['an argument of the block', 'k8s_api cluster {\n}', /write k8s_api \{/],
  ['another block', 'kubernetes {\n}', /begin with k8s_api/],
  ['text behind the block', 'k8s_api {\n}\nendpoint a', /outside of the block/],
  ['an open block', 'k8s_api {\n endpoint a', /not closed/],
] as const) {
  test(`${what} is an error that names the remedy`, () => {
    assert.throws(
      () => parseConnectionBlock(text),
      (error) => error instanceof ConnectionBlockError && message.test(error.message),
    )
  })
}
