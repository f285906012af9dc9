import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ActivityWorld } from './support/world.ts'

const failure = { code: 'PluginMissing' as const, message: 'no plugin fixture-dns' }

test('what blocks an attempt stands on the Certificate, with one event however often it is told', async (t) => {
  const world = await ActivityWorld.open(t)
  const certificate = world.reference
  for (let look = 1; look <= 2; look++) await world.run('reportBlocked', { certificate, failure })
  const stalled = world.condition('Stalled')
  assert.deepEqual([stalled?.status, stalled?.reason], ['True', 'PluginMissing'])
  assert.match(stalled?.message ?? '', /^no plugin fixture-dns\. Install .* to act\.$/)
  assert.equal(world.condition('Ready')?.reason, 'DoesNotExist')
  assert.deepEqual(world.reasons('Certificate'), ['PluginMissing'])
})

test('an attempt that goes on is not Stalled any more, and no event tells of that', async (t) => {
  const world = await ActivityWorld.open(t)
  const certificate = world.reference
  await world.run('reportBlocked', { certificate, failure })
  await world.run('reportBlocked', { certificate })
  assert.equal(world.condition('Stalled'), undefined)
  assert.deepEqual(world.reasons('Certificate'), ['PluginMissing'])
})

test('a Certificate that was made anew is not told what blocked the old one', async (t) => {
  const world = await ActivityWorld.open(t)
  await world.run('reportBlocked', { certificate: { ...world.reference, uid: 'of the old one' }, failure })
  assert.equal(world.condition('Stalled'), undefined)
})
