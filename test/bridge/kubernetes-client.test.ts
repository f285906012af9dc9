import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { connectKubernetes, KubernetesError } from '../../activities/clients/kubernetes.ts'
import { json, line, reset, RESOURCE, silence, status, stream, type Fault } from './support/api-stub.ts'
import { stubAndClient, until } from './support/harness.ts'

const object = `${RESOURCE}/x`

async function failure(call: Promise<unknown>): Promise<KubernetesError> {
  const error: unknown = await call.then(
    () => assert.fail('the call did not fail'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof KubernetesError, String(error))
  return error
}

const echo: Fault = (response, request) => {
  const { method, path, body, headers } = request
  const query = Object.fromEntries(request.query)
  json(response, 200, { method, path, query, type: headers['content-type'], accept: headers.accept, body })
}

test('get answers undefined for a missing object and fails where the resource is not served', async (t) => {
  const { stub, kubernetes } = await stubAndClient(t)
  assert.equal(await kubernetes.get(object), undefined)
  stub.faults.other.push((response) => void response.writeHead(404).end('404 page not found\n'))
  const error = await failure(kubernetes.get(object))
  assert.equal(error.status, 404)
  assert.match(error.message, /does not serve this resource/)
})

test('every write has the method, media type and query that the API server expects', async (t) => {
  const { stub, kubernetes } = await stubAndClient(t)
  stub.always.other = echo
  const seen = async (call: Promise<unknown>) => (await call) as Record<string, unknown>
  const created = await seen(kubernetes.create('/apis/example.org/v1/namespaces/a/things', { a: 1 }))
  assert.deepEqual(
    [created['method'], created['type'], created['body']],
    ['POST', 'application/json', '{"a":1}'],
  )
  const applied = await seen(kubernetes.apply(object, { a: 1 }, { fieldManager: 'us', force: true }))
  assert.deepEqual(
    [applied['method'], applied['type'], applied['query']],
    ['PATCH', 'application/apply-patch+yaml', { fieldManager: 'us', force: 'true' }],
  )
  const patched = await seen(kubernetes.patch(object, [{ op: 'remove', path: '/a' }]))
  assert.deepEqual([patched['method'], patched['type']], ['PATCH', 'application/json-patch+json'])
  const merged = await seen(kubernetes.merge(object, { a: null }))
  assert.deepEqual([merged['method'], merged['type']], ['PATCH', 'application/merge-patch+json'])
  const replaced = await seen(kubernetes.replace(object, {}))
  assert.deepEqual([replaced['method'], replaced['accept']], ['PUT', 'application/json'])
  await kubernetes.delete(object, { uid: 'u', propagationPolicy: 'Background' })
  assert.deepEqual(JSON.parse(stub.requests.at(-1)?.body ?? ''), {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    preconditions: { uid: 'u' },
    propagationPolicy: 'Background',
  })
  await kubernetes.deleteCollection(RESOURCE, { labelSelector: 'a=b' })
  const { method, path, query } = stub.requests.at(-1) ?? {}
  assert.deepEqual([method, path, query?.get('labelSelector')], ['DELETE', RESOURCE, 'a=b'])
})

test('delete is false for what is gone or made anew, and an error for another version', async (t) => {
  const { stub, kubernetes } = await stubAndClient(t)
  assert.equal(await kubernetes.delete(object), false)
  const text =
    'Operation cannot be fulfilled on ConfigMap "x": the UID in the precondition (a) does not match'
  stub.faults.other.push(status(409, 'Conflict', text))
  assert.equal(await kubernetes.delete(object, { uid: 'a' }), false)
  stub.faults.other.push(
    status(409, 'Conflict', 'the ResourceVersion in the precondition (1) does not match'),
  )
  assert.equal((await failure(kubernetes.delete(object, { resourceVersion: '1' }))).status, 409)
})

test('list reads all pages and falls back to one piece when a later page has expired', async (t) => {
  const { stub, kubernetes } = await stubAndClient(t)
  for (let i = 0; i < 7; i++) stub.put(`thing-${i}`)
  stub.pageSize = 3
  const whole = await kubernetes.list<{ metadata: { name: string } }>(RESOURCE)
  assert.equal(whole.items.length, 7)
  assert.equal(whole.resourceVersion, String(stub.version))
  assert.equal(stub.count('list'), 3)
  const pass: Fault = () => false
  stub.faults.list.push(pass, status(410, 'Expired', 'the continue token is too old'))
  assert.equal((await kubernetes.list(RESOURCE)).items.length, 7)
  assert.equal(stub.requests.at(-1)?.query.get('limit'), '0')
})

test('a failed test of a JSON patch is told from an invalid object', async (t) => {
  const { stub, kubernetes } = await stubAndClient(t)
  const operations = [{ op: 'test' as const, path: '/metadata/uid', value: 'u' }]
  stub.faults.other.push(
    status(422, 'Invalid', 'the server rejected our request due to an error in our request'),
  )
  const changed = await failure(kubernetes.patch(object, operations))
  assert.deepEqual([changed.status, changed.isPreconditionFailed], [422, true])
  stub.faults.other.push((response) =>
    json(response, 422, {
      kind: 'Status',
      reason: 'Invalid',
      message: 'bad',
      details: { causes: [{ field: 'a' }] },
    }),
  )
  assert.equal((await failure(kubernetes.patch(object, operations))).isPreconditionFailed, false)
})

test('429 and 503 with Retry-After are tried again a few times, without it at once given back', async (t) => {
  const { stub, kubernetes } = await stubAndClient(t)
  const busy = status(429, 'TooManyRequests', 'slow down', { 'retry-after': '0' })
  stub.faults.other.push(busy, status(503, 'ServiceUnavailable', 'starting', { 'retry-after': '0' }), echo)
  await kubernetes.create(object, {})
  assert.equal(stub.count('other'), 3)
  stub.always.other = busy
  const error = await failure(kubernetes.create(object, {}))
  assert.deepEqual([error.status, error.retryAfterSeconds, stub.count('other')], [429, 0, 7])
  stub.always.other = status(503, 'ServiceUnavailable', 'no')
  await failure(kubernetes.create(object, {}))
  stub.always.other = status(429, 'TooManyRequests', 'come back in an hour', { 'retry-after': '3600' })
  assert.equal((await failure(kubernetes.create(object, {}))).retryAfterSeconds, 3600)
  assert.equal(stub.count('other'), 9)
})

test('a reset connection is tried once more for a GET and never for a write', async (t) => {
  const { stub, kubernetes } = await stubAndClient(t)
  stub.faults.other.push(reset, echo)
  assert.ok(await kubernetes.get(object))
  stub.faults.other.push(reset)
  const error = await failure(kubernetes.create(object, {}))
  assert.deepEqual(
    [error.status, error.reason, error.method, error.path],
    [0, 'ConnectionReset', 'POST', object],
  )
  assert.equal(stub.count('other'), 3)
})

test('a call that is not answered ends at its time limit, and an aborted one with the reason of its signal', async (t) => {
  const { stub, kubernetes } = await stubAndClient(t)
  stub.always.other = silence
  assert.equal((await failure(kubernetes.get(object, { timeout: 20 }))).reason, 'Timeout')
  const controller = new AbortController()
  const call = kubernetes.get(object, { signal: controller.signal })
  controller.abort(new Error('no longer wanted'))
  await assert.rejects(call, /no longer wanted/)
})

test('half an answer is an error that does not quote it', async (t) => {
  const { stub, kubernetes } = await stubAndClient(t)
  stub.faults.other.push((response) => void response.end('{"data":{"tls.key":"c2VjcmV0'))
  const error = await failure(kubernetes.get(object))
  assert.equal(error.reason, 'MalformedResponse')
  assert.doesNotMatch(error.message, /c2Vj/)
})

test('values of a Secret that the server quotes do not reach the message, plain or in base64', async (t) => {
  const { stub, kubernetes } = await stubAndClient(t)
  const plain = 'correct horse battery'
  const data = Buffer.from(plain).toString('base64')
  stub.always.other = status(400, 'BadRequest', `cannot use ${data}, which is ${plain}`)
  const path = '/api/v1/namespaces/a/secrets/s'
  for (const call of [
    kubernetes.apply(path, { data: { password: data } }, { fieldManager: 'us' }),
    kubernetes.create('/api/v1/namespaces/a/secrets', { stringData: { password: plain } }),
    kubernetes.patch(path, [{ op: 'add', path: '/data/password', value: data }]),
    kubernetes.merge(path, { data: { password: data } }),
  ]) {
    const { message } = await failure(call)
    assert.doesNotMatch(message, /horse/)
    if (!message.includes('which is [secret]')) assert.fail(message)
  }
})

test('fifty writes in parallel share eight connections, and the Lease has its own', async (t) => {
  const { stub, kubernetes } = await stubAndClient(t)
  stub.always.other = echo
  await Promise.all(Array.from({ length: 50 }, () => kubernetes.create(object, {})))
  assert.ok(stub.connections <= 8, `${stub.connections} connections`)
  const held: (() => void)[] = []
  stub.always.other = (response, request) =>
    request.path === object ? void held.push(() => echo(response, request)) : echo(response, request)
  const writes = Array.from({ length: 20 }, () => kubernetes.create(object, {}))
  await until('eight writes hang', () => held.length === 8)
  assert.ok(await kubernetes.get('/apis/coordination.k8s.io/v1/namespaces/a/leases/b', { lane: 'lease' }))
  stub.always.other = echo
  for (const answer of held) answer()
  await Promise.all(writes)
})

test('close ends calls and watches and leaves no socket', async (t) => {
  const { stub, kubernetes } = await stubAndClient(t)
  stub.faults.other.push(silence)
  const call = failure(kubernetes.get(object))
  const watch = await kubernetes.watch(RESOURCE, { resourceVersion: '1' }, { signal: t.signal })
  const ended = assert.rejects(async () => {
    for await (const _ of watch) assert.fail('no event was sent')
  })
  await until('the call has arrived', () => stub.count('other') === 1)
  await kubernetes.close()
  assert.equal((await call).reason, 'Closed')
  await ended
  await until('all sockets are closed', () => stub.sockets.size === 0)
  assert.equal((await failure(kubernetes.get(object))).reason, 'Closed')
})

test('a watch joins characters and lines that chunks have cut, and drops half a line at the end', async (t) => {
  const { stub, kubernetes } = await stubAndClient(t)
  const text = Buffer.from(line({ type: 'ADDED', object: { name: 'zürich' } }))
  const cut = text.indexOf(0xc3) + 1
  stub.faults.watch.push((response) => {
    response.write(text.subarray(0, cut))
    response.write(text.subarray(cut))
    response.end('\n{"type":"ADDED","obj')
  })
  const events = []
  for await (const event of await kubernetes.watch(RESOURCE, {}, { signal: t.signal })) events.push(event)
  assert.deepEqual(events, [{ type: 'ADDED', object: { name: 'zürich' } }])
})

test('a watch fails on a line that is no event and on an error status', async (t) => {
  const { stub, kubernetes } = await stubAndClient(t)
  stub.faults.watch.push(stream('garbage\n'), status(410, 'Expired', 'too old'))
  const watch = await kubernetes.watch(RESOURCE, {}, { signal: t.signal })
  await assert.rejects(async () => {
    for await (const _ of watch) assert.fail('no event was sent')
  }, /no JSON object/)
  assert.equal(
    (await failure(kubernetes.watch(RESOURCE, {}, { signal: t.signal }) as Promise<unknown>)).status,
    410,
  )
})

test('paths that could be read as others are refused before anything is sent', async (t) => {
  const { stub, kubernetes } = await stubAndClient(t)
  for (const path of ['/api/v1/../x', '/api//v1', 'api', '/api?x', '/a%2fb', '/a b'])
    assert.equal((await failure(kubernetes.get(path))).reason, 'InvalidPath')
  assert.equal(stub.requests.length, 0)
})

test('a kubeconfig that cannot be used is named with the remedy, and its content is not quoted', async (t) => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'config')
  const connect = (options: object = {}) => failure(connectKubernetes({ kubeconfig: file, ...options }))
  assert.match((await connect()).message, /ENOENT.*name a kubeconfig file/)
  await writeFile(file, 'users: [{name: a, user: {token: verysecret}\n  - {')
  assert.doesNotMatch((await connect()).message, /verysecret/)
  await writeFile(file, kubeconfig('https://127.0.0.1:1', 'token: verysecret'))
  assert.match((await connect({ context: 'other' })).message, /context "other" is not in .*name one of here/)
  await writeFile(file, kubeconfig('http://127.0.0.1:1', 'token: verysecret', ''))
  assert.match((await connect()).message, /not https/)
})

test('a 401 makes the credentials be read again, once', async (t) => {
  const { stub } = await stubAndClient(t)
  const folder = await temporaryFolder(t)
  const file = join(folder, 'config')
  await writeFile(file, kubeconfig(stub.url, 'token: old'))
  const kubernetes = await connectKubernetes({ kubeconfig: file })
  t.after(() => kubernetes.close())
  stub.always.other = (response, request) =>
    request.headers.authorization === 'Bearer new'
      ? echo(response, request)
      : status(401, 'Unauthorized', 'no')(response, request)
  assert.equal((await failure(kubernetes.get(object))).status, 401)
  await writeFile(file, kubeconfig(stub.url, 'token: new'))
  // Looked at again once a second at most, so that a wrong token does not become a storm of reads.
  const end = performance.now() + 4000
  let answer: unknown
  while (answer === undefined && performance.now() < end)
    answer = await kubernetes.get(object).catch(() => undefined)
  assert.ok(answer)
})

test('a token comes from an exec plug-in of the kubeconfig', async (t) => {
  const { stub } = await stubAndClient(t)
  const folder = await temporaryFolder(t)
  const file = join(folder, 'config')
  const script = join(folder, 'plugin.mjs')
  const credential = {
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: { token: 'made' },
  }
  await writeFile(script, `process.stdout.write(${JSON.stringify(JSON.stringify(credential))})`)
  const exec = { apiVersion: credential.apiVersion, command: process.execPath, args: [script] }
  await writeFile(file, kubeconfig(stub.url, `exec: ${JSON.stringify(exec)}`))
  const kubernetes = await connectKubernetes({ kubeconfig: file, userAgent: 'certloom-test' })
  t.after(() => kubernetes.close())
  await kubernetes.get(object)
  const { headers } = stub.requests.at(-1) ?? {}
  assert.deepEqual([headers?.authorization, headers?.['user-agent']], ['Bearer made', 'certloom-test'])
  await writeFile(script, 'process.stderr.write("token verysecret"); process.exit(1)')
  const error = await failure(connectKubernetes({ kubeconfig: file }))
  assert.equal(error.reason, 'CredentialsFailed')
  assert.doesNotMatch(error.message, /verysecret/)
})

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'certloom-client-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

function kubeconfig(server: string, user: string, cluster = 'insecure-skip-tls-verify: true'): string {
  return `
current-context: here
clusters: [{name: c, cluster: {server: "${server}", ${cluster}}}]
users: [{name: u, user: {${user}}}]
contexts: [{name: here, context: {cluster: c, user: u}}]
`
}
