import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { apiPath } from '../../../k8s-bridge/api/kinds.ts'
import { assertStatus, refusal, TestCluster } from './support/cluster.ts'

const cluster = await TestCluster.open()
after(() => cluster[Symbol.asyncDispose]())

const request = Buffer.from('-----BEGIN CERTIFICATE REQUEST-----\n').toString('base64')
const issuerRef = { name: 'acme' }
const url = 'https://acme.example/order/1'
const finalizeURL = `${url}/finalize`
const authorization = (number: number) => ({ url: `https://acme.example/authz/${number}` })
const described = (number: number) => ({
  ...authorization(number),
  identifier: `host-${number}.example.com`,
  wildcard: false,
  initialState: 'pending',
  challenges: [{ url: `https://acme.example/chall/${number}`, token: `t${number}`, type: 'dns-01' }],
})
type Described = ReturnType<typeof described>

async function newOrder(name: string): Promise<(status: object) => ReturnType<TestCluster['merge']>> {
  assertStatus(await cluster.create('Order', { request, issuerRef, dnsNames: ['example.com'] }, name), 201)
  const path = apiPath('Order', cluster.namespace, name, 'status')
  return (status) =>
    cluster.api.call('PATCH', path, {
      body: [{ op: 'add', path: '/status', value: status }],
      contentType: 'application/json-patch+json',
    })
}

test('what an Order does not know yet is filled in step by step', async () => {
  const write = await newOrder('steps')
  const urls = [authorization(1), authorization(2)]
  assertStatus(await write({ url, finalizeURL, state: 'pending', authorizations: urls }), 200)
  const full = [described(1), described(2)]
  assertStatus(await write({ url, finalizeURL, state: 'pending', authorizations: full }), 200)
  assertStatus(await write({ url, finalizeURL, state: 'ready', authorizations: full, reason: 'waits' }), 200)
  const certificate = request
  assertStatus(await write({ url, finalizeURL, state: 'valid', authorizations: full, certificate }), 200)
})

test('what an Order knows stays', async () => {
  const write = await newOrder('stays')
  const full = [described(1), described(2)]
  const status = { url, finalizeURL, state: 'valid', authorizations: full, certificate: request }
  assertStatus(await write(status), 200)
  const changed = (change: Partial<Described>) => [{ ...described(1), ...change }, described(2)]
  const without = (field: keyof Described) => [{ ...described(1), [field]: undefined }, described(2)]
  const cases: [object, string][] = [
    [{ url: 'https://acme.example/order/2' }, 'status.url'],
    [{ url: undefined }, 'status.url'],
    [{ finalizeURL: 'x' }, 'status.finalizeURL'],
    [{ certificate: Buffer.from('other').toString('base64') }, 'status.certificate'],
    [{ certificate: undefined }, 'status.certificate'],
    [{ authorizations: [...full, described(3)] }, 'status.authorizations'],
    [{ authorizations: full.toReversed() }, 'status.authorizations'],
    [{ authorizations: [] }, 'status.authorizations'],
    [{ authorizations: changed({ url: 'x' }) }, 'status.authorizations'],
    [{ authorizations: changed({ identifier: 'x' }) }, 'status.authorizations[].identifier'],
    [{ authorizations: without('identifier') }, 'status.authorizations[].identifier'],
    [{ authorizations: changed({ wildcard: true }) }, 'status.authorizations[].wildcard'],
    [{ authorizations: without('wildcard') }, 'status.authorizations[].wildcard'],
    [{ authorizations: changed({ initialState: 'valid' }) }, 'status.authorizations[].initialState'],
    [{ authorizations: changed({ challenges: [] }) }, 'status.authorizations[].challenges'],
    [
      {
        authorizations: changed({
          challenges: [{ url: 'https://acme.example/chall/1', token: 'x', type: 'dns-01' }],
        }),
      },
      'status.authorizations[].challenges',
    ],
  ]
  for (const [change, field] of cases) {
    const words = refusal(await write({ ...status, ...change }), 'orders.certloom.dev')
    assert.match(words, / cannot be changed once set: delete the Order/)
    assert.ok(words.split(' cannot')[0]?.split(', ').includes(field), `${JSON.stringify(change)}: ${words}`)
  }
  assertStatus(await write({ ...status, state: 'expired' }), 200)
})

test('five hundred authorizations are compared within the cost that the API server allows', async () => {
  const write = await newOrder('wide')
  const numbers = Array.from({ length: 500 }, (_, index) => index)
  assertStatus(await write({ url, authorizations: numbers.map(authorization) }), 200)
  assertStatus(await write({ url, authorizations: numbers.map(described) }), 200)
  const last = [...numbers.slice(1).map(described), described(0)]
  assert.match(
    refusal(await write({ url, authorizations: last }), 'orders.certloom.dev'),
    /^status\.authorizations,/,
  )
})

test('spec of an Order cannot be changed, labels and finalizers can', async () => {
  await newOrder('spec')
  const path = apiPath('Order', cluster.namespace, 'spec')
  const words = refusal(
    await cluster.merge(path, { spec: { issuerRef: { name: 'other' } } }),
    'orders.certloom.dev',
  )
  assert.match(words, /^spec cannot be changed/)
  assertStatus(await cluster.merge(path, { metadata: { labels: { a: 'b' } } }), 200)
})

test('spec of a Challenge cannot be changed, its status and finalizers can', async () => {
  const name = 'challenge'
  const spec = {
    url: 'https://acme.example/chall/1',
    authorizationURL: 'https://acme.example/authz/1',
    dnsName: 'example.com',
    type: 'DNS-01',
    token: 't',
    key: 'k',
    solver: { dns01: { webhook: { groupName: 'certloom.dev', solverName: 'exec' } } },
    issuerRef,
  }
  assertStatus(await cluster.create('Challenge', spec, name), 201)
  const path = apiPath('Challenge', cluster.namespace, name)
  const solver = { dns01: { webhook: { solverName: 'other' } } }
  const words = refusal(await cluster.merge(path, { spec: { solver } }), 'challenges.certloom.dev')
  assert.match(words, /^spec cannot be changed: delete the Challenge/)
  const finalizers = ['acme.cert-manager.io/finalizer']
  assertStatus(
    await cluster.merge(path, { metadata: { finalizers, annotations: { 'certloom.dev/record': 'x' } } }),
    200,
  )
  assertStatus(await cluster.merge(`${path}/status`, { status: { presented: true } }), 200)
  assertStatus(await cluster.merge(path, { metadata: { finalizers: null } }), 200)
})
