import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ActivityWorld, namespace } from './support/world.ts'

const failure = { code: 'OrderRejected' as const, message: 'malformed: no such name' }
const attempt = { revision: 1, attempt: 1 }

for (const end of ['failAttempt', 'discardAttempt'] as const) {
  test(`${end} deletes its own next key and no Secret of others, whatever the status names`, async (t) => {
    const world = await ActivityWorld.open(t)
    const { temporarySecret } = await world.prepare()
    const { uid } = world.reference
    const owner = {
      apiVersion: 'cert-manager.io/v1',
      kind: 'Certificate',
      name: 'web',
      uid,
      controller: true,
    }
    const others = {
      database: { namespace },
      'web-owned': { namespace, ownerReferences: [owner] },
      'next-key-of-another': {
        namespace,
        labels: { 'cert-manager.io/next-private-key': 'true' },
        ownerReferences: [{ ...owner, uid: 'another' }],
      },
    }
    for (const [name, metadata] of Object.entries(others)) {
      world.cluster.put('Secret', { metadata: { ...metadata, name }, data: {} })
      world.change({ status: { nextPrivateKeySecretName: name } })
      await world.run(end, { certificate: world.reference, ...attempt, failure })
      assert.ok(world.has(name), name)
      assert.equal(world.certificate.status?.nextPrivateKeySecretName, undefined)
    }
    assert.ok(!world.has(temporarySecret))
  })

  test(`${end} deletes the next key that it took over from an attempt before`, async (t) => {
    const world = await ActivityWorld.open(t)
    const { temporarySecret } = await world.prepare(1)
    assert.equal((await world.prepare(2)).temporarySecret, temporarySecret)
    await world.run(end, { certificate: world.reference, revision: 1, attempt: 2, failure })
    assert.ok(!world.has(temporarySecret))
  })
}

test('a failed attempt whose worker dies in the middle is counted once by the next run, and no key is left', async (t) => {
  const world = await ActivityWorld.open(t)
  const { temporarySecret } = await world.prepare(1)
  await world.prepare(2)
  const input = { certificate: world.reference, revision: 1, attempt: 2, failure }
  world.cluster.meddle = ({ method, path }) =>
    method === 'DELETE' && path.endsWith(temporarySecret) ? { code: 500, reason: 'InternalError' } : undefined
  assert.equal(await world.failure('failAttempt', input), 'KubernetesUnavailable')
  world.cluster.meddle = () => undefined
  await world.run('failAttempt', input)
  assert.ok(!world.has(temporarySecret))
  assert.equal(world.certificate.status?.failedIssuanceAttempts, 1)
})
