import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ActivityWorld, namespace } from './support/world.ts'

/** A target Secret that is annotated as the one of another Certificate. */
async function annotated(t: Parameters<typeof ActivityWorld.open>[0], owner: string) {
  const world = await ActivityWorld.open(t)
  const annotations = { 'cert-manager.io/certificate-name': owner }
  world.cluster.put('Secret', { metadata: { namespace, name: 'web-tls', annotations }, data: {} })
  return world
}

test('an API server that does not say whose the target Secret is keeps it from being written over', async (t) => {
  const world = await annotated(t, 'other')
  world.cluster.put('Certificate', {
    metadata: { namespace, name: 'other' },
    spec: { secretName: 'web-tls' },
  })
  world.cluster.meddle = ({ path }) =>
    path.endsWith('/certificates/other') ? { code: 500, reason: 'InternalError' } : undefined
  assert.equal(await world.failure('prepare', world.prepareInput(1)), 'KubernetesUnavailable')
})

test('a Certificate that certloom cannot read keeps its Secret', async (t) => {
  const world = await annotated(t, 'other')
  const spec = { secretName: 'web-tls', dnsNames: 'no list', issuerRef: { name: 'self' } }
  world.cluster.put('Certificate', { metadata: { namespace, name: 'other' }, spec })
  assert.equal(await world.failure('prepare', world.prepareInput(1)), 'SecretInUse')
})

for (const [what, owner] of [
  ['a Certificate that is gone', 'gone'],
  ['a name that no Certificate can have', '../secrets'],
] as const) {
  test(`a target Secret of ${what} is free`, async (t) => {
    const world = await annotated(t, owner)
    assert.equal(await world.failure('prepare', world.prepareInput(1)), 'none')
  })
}

test('a target Secret that its former Certificate has left for another one is free', async (t) => {
  const world = await annotated(t, 'other')
  world.cluster.put('Certificate', { metadata: { namespace, name: 'other' }, spec: { secretName: 'moved' } })
  assert.equal(await world.failure('prepare', world.prepareInput(1)), 'none')
})
