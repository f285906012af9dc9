import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { test } from 'node:test'
import { temporarySecretName } from '../../activities/certificate/temporary-key.ts'
import { ActivityWorld, namespace } from './support/world.ts'

const bigger = { privateKey: { algorithm: 'ECDSA', size: 384 } }

for (const [when, attempt] of [
  ['of the same number, as after a loss of Temporal', 1],
  ['of another number', 2],
] as const) {
  test(`a next key that fits the spec no longer is deleted and made anew by an attempt ${when}: an event says so`, async (t) => {
    const world = await ActivityWorld.open(t)
    const first = await world.prepare(1)
    const old = world.secret(first.temporarySecret)?.metadata.uid
    world.change({ spec: bigger })
    const second = await world.prepare(attempt)
    assert.equal(curveOf(world, second.temporarySecret), 'secp384r1')
    const items = world.cluster.all('Secret', namespace)
    assert.deepEqual(
      items.map(({ metadata }) => metadata.name),
      [second.temporarySecret],
    )
    assert.notEqual(items[0]?.metadata.uid, old)
    assert.ok(world.reasons('Certificate').includes('Deleted'))
  })
}

test('a next key that a status without its name has lost is found by the attempt of the same number and made anew', async (t) => {
  const world = await ActivityWorld.open(t)
  const { temporarySecret } = await world.prepare(1)
  world.change({ spec: bigger, status: { nextPrivateKeySecretName: undefined } })
  assert.equal((await world.prepare(1)).temporarySecret, temporarySecret)
  assert.equal(curveOf(world, temporarySecret), 'secp384r1')
})

test('a Secret of somebody else under the name of the next key is SecretInUse and stays', async (t) => {
  const world = await ActivityWorld.open(t)
  const temporary = temporarySecretName(world.certificate, 1, 1)
  world.cluster.put('Secret', { metadata: { namespace, name: temporary }, data: {} })
  assert.equal(await world.failure('prepare', world.prepareInput(1)), 'SecretInUse')
  assert.ok(world.has(temporary))
})

for (const named of ['no/name', 'web-tls']) {
  test(`${named} in the status is not taken for the next key`, async (t) => {
    const world = await ActivityWorld.open(t)
    const { uid } = world.reference
    // cert-manager makes the target Secret a child of the Certificate where it is told to.
    const owner = {
      apiVersion: 'cert-manager.io/v1',
      kind: 'Certificate',
      name: 'web',
      uid,
      controller: true,
    }
    const first = await world.prepare(1)
    const data = world.secret(first.temporarySecret)?.data
    world.cluster.put('Secret', { metadata: { namespace, name: 'web-tls', ownerReferences: [owner] }, data })
    world.change({ status: { nextPrivateKeySecretName: named } })
    assert.equal((await world.prepare(2)).temporarySecret, temporarySecretName(world.certificate, 1, 2))
    assert.ok(world.has('web-tls'))
  })
}

function curveOf(world: ActivityWorld, secretName: string): string | undefined {
  const pem = Buffer.from(world.secret(secretName)?.data?.['tls.key'] ?? '', 'base64')
  return createPrivateKey(pem).asymmetricKeyDetails?.namedCurve
}
