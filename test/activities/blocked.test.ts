import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Stored } from './support/cluster.ts'
import { ActivityWorld, name, namespace } from './support/world.ts'

/** A publish that waits for an approval. */
async function unapproved(t: Parameters<typeof ActivityWorld.open>[0]) {
  const world = await ActivityWorld.open(t)
  const prepared = await world.prepare()
  const { request, temporarySecret, requestDigest } = prepared
  const { status: _status, ...rest } = world.cluster.get('CertificateRequest', namespace, request) as Stored
  world.cluster.put('CertificateRequest', rest)
  const attempt = { certificate: world.reference, revision: 1, attempt: 1 }
  return { world, publish: { ...attempt, request, temporarySecret, requestDigest } }
}

test('what blocks a step stands on the Certificate, with an event', async (t) => {
  const { world, publish } = await unapproved(t)
  assert.equal(await world.failure('publish', publish), 'NotApproved')
  assert.deepEqual(
    [world.condition('Stalled')?.status, world.condition('Stalled')?.reason],
    ['True', 'NotApproved'],
  )
  assert.ok(world.reasons('Certificate').includes('NotApproved'))
})

const status = `certificates/${name}/status`
const troubles = {
  'a right that is missing': ({ path }: { path: string }) =>
    path.endsWith(status) ? { code: 403, reason: 'Forbidden' } : undefined,
  'an API server that fails': ({ path }: { path: string }) =>
    path.endsWith(status) ? { code: 500, reason: 'InternalError' } : undefined,
  'a second reading that fails': (() => {
    let readings = 0
    return ({ path, method }: { path: string; method: string }) =>
      method === 'GET' && path.endsWith(`certificates/${name}`) && ++readings > 1
        ? { code: 500, reason: 'InternalError' }
        : undefined
  })(),
}
for (const [what, meddle] of Object.entries(troubles)) {
  test(`${what} while a blocked step is shown does not hide why it is blocked`, async (t) => {
    const { world, publish } = await unapproved(t)
    world.cluster.meddle = meddle
    assert.equal(await world.failure('publish', publish), 'NotApproved')
    assert.equal(world.condition('Stalled'), undefined)
    assert.ok(
      world.logged.includes('what blocks the step is not shown on the Certificate'),
      world.logged.join(),
    )
  })
}

test('a status that others write all the time does not hide why a step is blocked', async (t) => {
  const { world, publish } = await unapproved(t)
  world.cluster.meddle = ({ path }) => {
    if (path.endsWith(status)) world.change({})
    return undefined
  }
  assert.equal(await world.failure('publish', publish), 'NotApproved')
  assert.equal(world.condition('Stalled'), undefined)
})

test('what ends by itself leaves the Certificate as it is: nobody has to act on an attempt that is over', async (t) => {
  const { world, publish } = await unapproved(t)
  const digest = { ...publish, requestDigest: 'of another spec' }
  const before = world.certificate.metadata.resourceVersion
  assert.equal(await world.failure('publish', digest), 'ObjectGone')
  assert.equal(world.certificate.metadata.resourceVersion, before)
  assert.ok(!world.reasons('Certificate').includes('ObjectGone'))
})
