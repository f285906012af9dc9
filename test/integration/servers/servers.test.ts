import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Servers } from '../../../tools/servers/handle.ts'
import { httpsRequest } from '../../../tools/servers/https-request.ts'
import { askAsAdmin } from '../../../tools/servers/parts/kubernetes-client.ts'
import { startServers, type LocalServers } from '../../../tools/servers/servers.ts'
import { attachServers, saveServers } from '../../../tools/servers/shared.ts'
import { runs, tempFolder, until } from '../../servers/helpers.ts'

let folder: Awaited<ReturnType<typeof tempFolder>>
let servers: LocalServers
let attached: Servers

before(async () => {
  folder = await tempFolder()
  servers = await startServers({
    dataDir: join(folder.path, 'data'),
    parts: ['kube-controller-manager', 'temporal', 'pebble', 'dns'],
    audit: true,
  })
  const file = join(folder.path, 'servers.json')
  await saveServers(servers, file)
  attached = await attachServers(file)
})

after(async () => {
  await servers?.stop()
  await folder?.[Symbol.asyncDispose]()
})

test('the API server enforces RBAC for the kubeconfig of a service account', async () => {
  await asAdmin('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'nobody' } })
  const file = await attached.kubernetes.kubeconfigFor('default', 'nobody')
  const config = JSON.parse(await readFile(file, 'utf8')) as { users: [{ user: { token: string } }] }
  const headers = { authorization: `Bearer ${config.users[0].user.token}` }
  const { url, caPem: ca } = servers.kubernetes
  const secrets = await httpsRequest(`${url}/api/v1/secrets`, { ca, headers })
  assert.equal(secrets.status, 403)
  assert.match(secrets.body, /system:serviceaccount:default:nobody/)
  assert.match(
    await readFile(servers.kubernetes.auditLogPath!, 'utf8'),
    /system:serviceaccount:default:nobody/,
  )
})

test('asking for the kubeconfig of an account that does not exist is an error that names it', async () => {
  await assert.rejects(
    attached.kubernetes.kubeconfigFor('default', 'ghost'),
    /no ServiceAccount default\/ghost/,
  )
})

test('objects whose owner is deleted are collected, and a deleted namespace goes', async () => {
  await asAdmin('POST', '/api/v1/namespaces', { metadata: { name: 'short' } })
  const maps = '/api/v1/namespaces/short/configmaps'
  const owner = await asAdmin('POST', maps, { metadata: { name: 'owner' } })
  const { uid } = (JSON.parse(owner.body) as { metadata: { uid: string } }).metadata
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid }]
  await asAdmin('POST', maps, { metadata: { name: 'owned', ownerReferences } })
  await asAdmin('DELETE', `${maps}/owner`)
  await until(
    'the owned one is collected',
    async () => (await asAdmin('GET', `${maps}/owned`)).status === 404,
  )
  await asAdmin('DELETE', '/api/v1/namespaces/short')
  await until(
    'the namespace is gone',
    async () => (await asAdmin('GET', '/api/v1/namespaces/short')).status === 404,
  )
})

test('a killed server stays down until it is started, and comes back on its port with its data', async () => {
  await asAdmin('POST', '/api/v1/namespaces', { metadata: { name: 'kept' } })
  const apiserver = attached.process('kube-apiserver')
  const before = apiserver.pid!
  await apiserver.kill()
  assert.ok(!runs(before))
  assert.equal(apiserver.stopped, true)
  await assert.rejects(asAdmin('GET', '/readyz'), { code: 'ECONNREFUSED' })
  await apiserver.start()
  assert.notEqual(apiserver.pid, before)
  assert.equal((await asAdmin('GET', '/api/v1/namespaces/kept')).status, 200)
  servers.check()
})

test('a frozen server keeps the connection and answers after it is thawed', async () => {
  const temporal = attached.process('temporal')
  await temporal.freeze()
  assert.equal((await temporal.status()).frozen, true)
  let answered = false
  const answer = fetch(servers.temporal.uiUrl).then((response) => {
    answered = true
    return response.status
  })
  await assert.rejects(fetch(servers.temporal.uiUrl, { signal: AbortSignal.timeout(300) }), {
    name: 'TimeoutError',
  })
  assert.equal(answered, false)
  await temporal.thaw()
  assert.equal(await answer, 200)
})

test('a frozen server can be restarted', async () => {
  const dns = attached.process('dns')
  const before = dns.pid
  await dns.freeze()
  await dns.restart()
  assert.notEqual(dns.pid, before)
  assert.deepEqual(await dns.status(), { pid: dns.pid, stopped: false, frozen: false })
})

test('Pebble has another root after a restart, under the same address', async () => {
  const before = await attached.pebble.root()
  await attached.process('pebble').restart()
  const after = await attached.pebble.root()
  assert.match(after, /^-----BEGIN CERTIFICATE-----/)
  assert.notEqual(after, before)
})

test('wiping etcd leaves an empty cluster that works', async () => {
  await asAdmin('POST', '/api/v1/namespaces', { metadata: { name: 'doomed' } })
  await attached.process('etcd').wipe()
  assert.equal((await asAdmin('GET', '/api/v1/namespaces/doomed')).status, 404)
  assert.equal((await asAdmin('POST', '/api/v1/namespaces', { metadata: { name: 'doomed' } })).status, 201)
  assert.equal(attached.process('kube-controller-manager').stopped, false)
})

test('the control endpoint refuses callers without its token', async () => {
  const answer = await fetch(`${servers.control.url}/etcd/kill`, { method: 'POST' })
  assert.equal(answer.status, 401)
  assert.equal(servers.process('etcd').stopped, false)
})

test('a server that was not started is an error that says how to have it', async () => {
  await using other = await tempFolder()
  await using few = await startServers({ dataDir: other.path, parts: ['pebble'] })
  assert.throws(() => few.temporal, /temporal was not started: add 'temporal' to the parts/)
  assert.deepEqual(few.env(), {})
})

test('a server that ends unasked is reported with its name and last log lines, and the rest is stopped', async () => {
  await using other = await tempFolder()
  const died = Promise.withResolvers<Error>()
  const own = await startServers({ dataDir: other.path, parts: ['pebble', 'etcd'], onDeath: died.resolve })
  const etcd = own.process('etcd').pid!
  process.kill(own.process('pebble').pid!, 'SIGTERM')
  assert.match(
    (await died.promise).message,
    /pebble was ended by SIGTERM; its log is .*pebble\.log\n[\s\S]*Listening on/,
  )
  assert.throws(() => own.check(), /pebble was ended by SIGTERM/)
  await assert.rejects(own.stop(), /pebble was ended by SIGTERM/)
  assert.ok(!runs(etcd))
})

test('a server that cannot start is reported, and nothing else is left running', async () => {
  await using other = await tempFolder()
  const options = {
    dataDir: other.path,
    parts: ['pebble', 'etcd'] as const,
    pebble: { externalAccountMACKeys: { a: '!' } },
  }
  await assert.rejects(startServers(options), /pebble ended with exit code 1; its log is/)
  // The folder is free again, so nobody owns it any more.
  await using again = await startServers({ dataDir: other.path, parts: ['pebble'] })
  again.check()
})

function asAdmin(method: string, path: string, body?: object) {
  return askAsAdmin(servers.kubernetes, method, path, body)
}
