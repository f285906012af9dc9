import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CertificateRequest } from '../../k8s-bridge/api/certificate-request.ts'
import type { Order } from '../../k8s-bridge/api/order.ts'
import type { Stored } from './support/cluster.ts'
import { ActivityWorld, namespace } from './support/world.ts'

const authorization = 'https://ca.test/authorization/1'

/** The request has its certificate, the Order is as an earlier run left it. */
async function cutOff(t: Parameters<typeof ActivityWorld.open>[0], state: 'pending' | 'valid' | undefined) {
  const world = await ActivityWorld.open(t)
  const { request, temporarySecret, requestDigest } = await world.prepare()
  const found = world.cluster.get<Stored & CertificateRequest>('CertificateRequest', namespace, request)
  const { uid = '' } = found?.metadata ?? {}
  const owner = { kind: 'CertificateRequest', name: request, uid, controller: true }
  const place = { url: 'https://ca.test/order/1', finalizeURL: 'https://ca.test/order/1/finalize' }
  const annotations = { 'certloom.dev/order': JSON.stringify(place) }
  const issuerRef = { name: 'self' }
  const order = world.cluster.put('Order', {
    metadata: { namespace, name: 'web-1-1', annotations, ownerReferences: [owner] },
    spec: { request: found?.spec.request, issuerRef, dnsNames: ['web.example.com'] },
    ...(state !== undefined && { status: { ...place, state } }),
  })
  const { uid: orderUid } = order.metadata
  world.cluster.put('Challenge', {
    metadata: {
      namespace,
      name: 'web-1-1-1',
      labels: { 'certloom.dev/order': orderUid },
      ownerReferences: [{ kind: 'Order', name: 'web-1-1', uid: orderUid, controller: true }],
    },
    spec: {
      authorizationURL: authorization,
      url: 'https://ca.test/challenge/1',
      dnsName: 'web.example.com',
      token: 'token',
      type: 'DNS-01',
    },
  })
  world.cluster.requests.length = 0
  const attempt = { certificate: world.reference, revision: 1, attempt: 1 }
  const input = { ...attempt, request, temporarySecret, requestDigest, order: 'web-1-1' }
  const orderNow = () => world.cluster.get<Stored & Order>('Order', namespace, 'web-1-1')
  return { world, input, orderNow, certificate: found?.status?.certificate }
}

for (const state of ['pending', undefined] as const) {
  test(`an Order that is ${state ?? 'without a state'} although the request has its certificate is finished by the next run`, async (t) => {
    const { world, input, orderNow, certificate } = await cutOff(t, state)
    await world.run('finalizeAndPublish', input)
    const { status } = orderNow() ?? {}
    assert.equal(status?.state, 'valid')
    assert.equal(status.url, 'https://ca.test/order/1')
    assert.equal(status.certificate, certificate)
    const proven = { url: 'https://ca.test/challenge/1', token: 'token', type: 'dns-01' }
    const about = { identifier: 'web.example.com', wildcard: undefined, initialState: 'pending' }
    assert.deepEqual(
      { ...status.authorizations?.[0], wildcard: undefined },
      { url: authorization, ...about, challenges: [proven] },
    )
    assert.deepEqual(world.reasons('Order'), ['Complete'])
    assert.equal(world.reasons('CertificateRequest').filter((one) => one === 'CertificateIssued').length, 2)
    assert.equal(world.condition('Ready')?.status, 'True')
  })
}

test('an Order that is finished is not written again, and no event is told twice', async (t) => {
  const { world, input } = await cutOff(t, 'valid')
  await world.run('finalizeAndPublish', input)
  assert.deepEqual(world.reasons('Order'), [])
  assert.ok(!world.cluster.requests.some(({ path }) => path.endsWith('/orders/web-1-1/status')))
  assert.equal(world.condition('Ready')?.status, 'True')
})
