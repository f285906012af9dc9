import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ActivityWorld, name, namespace } from './support/world.ts'

/** Somebody edits the Certificate after it was read, just before its status is written. */
function editedMeanwhile(world: ActivityWorld): void {
  let edited = false
  world.cluster.meddle = ({ method, path }) => {
    if (!edited && method === 'PATCH' && path.endsWith(`certificates/${name}/status`)) {
      edited = true
      world.change({ spec: { dnsNames: ['other.example.com'], secretName: 'other-tls' } })
    }
    return undefined
  }
}

test('a Certificate that is edited while it is published is not called Ready as it is asked for by then', async (t) => {
  const world = await ActivityWorld.open(t)
  const { request, temporarySecret, requestDigest } = await world.prepare()
  editedMeanwhile(world)
  const attempt = { certificate: world.reference, revision: 1, attempt: 1 }
  await world.run('publish', { ...attempt, request, temporarySecret, requestDigest })
  const { metadata, status } = world.certificate
  assert.deepEqual([metadata.generation, status?.revision], [2, 1])
  const ready = world.condition('Ready')
  assert.deepEqual([ready?.status, ready?.observedGeneration], ['True', 1])
  const look = await world.run('look', { namespace, name, uid: metadata.uid, leftovers: false })
  assert.ok(look.exists && look.statusStale && look.why !== undefined)
})

test('a Certificate that is edited while its status is brought up to date is not called Ready either', async (t) => {
  const world = await ActivityWorld.open(t)
  const { request, temporarySecret, requestDigest } = await world.prepare()
  const attempt = { certificate: world.reference, revision: 1, attempt: 1 }
  await world.run('publish', { ...attempt, request, temporarySecret, requestDigest })
  world.change({ spec: { revisionHistoryLimit: 2 } })
  editedMeanwhile(world)
  await world.run('updateStatus', { certificate: world.reference })
  assert.equal(world.certificate.metadata.generation, 3)
  assert.deepEqual(world.condition('Ready')?.observedGeneration, 2)
})

test('a second run of a publication leaves every Secret that is no next key of the Certificate', async (t) => {
  const world = await ActivityWorld.open(t)
  const { request, temporarySecret, requestDigest } = await world.prepare()
  const publish = {
    certificate: world.reference,
    revision: 1,
    attempt: 1,
    request,
    temporarySecret,
    requestDigest,
  }
  await world.run('publish', publish)
  assert.ok(!world.has(temporarySecret))
  await world.run('publish', { ...publish, temporarySecret: 'web-tls' })
  assert.ok(world.has('web-tls'))
})
