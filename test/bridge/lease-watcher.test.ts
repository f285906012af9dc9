import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { LeaseWatcher } from '../../k8s-bridge/lease.ts'
import { FakeClock } from './support/fake-clock.ts'
import { recordingLogger, until } from './support/harness.ts'
import { leaseStub } from './support/lease-stub.ts'

async function setup(t: TestContext) {
  const { server, kubernetes } = await leaseStub(t)
  const clock = new FakeClock()
  const logger = recordingLogger()
  const watcher = new LeaseWatcher({ kubernetes, logger, clock, callTimeout: 3000 })
  const changes: boolean[] = []
  watcher.onChange((mayWrite) => void changes.push(mayWrite))
  t.after(() => watcher.stop())
  return { server, clock, logger, watcher, changes }
}

test('nobody may write before the first look, and afterwards while a certloom identity holds the Lease', async (t) => {
  const { server, clock, watcher, changes } = await setup(t)
  server.heldBy('certloom/a')
  assert.deepEqual([watcher.currentHolder(), watcher.mayWrite()], [{ identity: '', fresh: false }, false])
  await watcher.start()
  assert.deepEqual(watcher.currentHolder(), { identity: 'certloom/a', fresh: true })
  assert.equal(watcher.mayWrite(), true)
  server.heldBy('upstream')
  clock.advance(2000)
  await until('the other holder is seen', () => watcher.currentHolder().identity === 'upstream')
  assert.equal(watcher.mayWrite(), false)
  server.heldBy('certloom/b')
  clock.advance(2000)
  await until('ours is seen', () => watcher.mayWrite())
  assert.deepEqual(changes, [true, false, true])
})

test('a missing Lease and an empty holder are nobody', async (t) => {
  const { server, watcher } = await setup(t)
  await watcher.start()
  assert.deepEqual(watcher.currentHolder(), { identity: '', fresh: true })
  server.heldBy('')
  await watcher.refresh()
  assert.equal(watcher.mayWrite(), false)
})

test('what was read last counts for ten seconds while the API server is away', async (t) => {
  const { server, clock, watcher, changes, logger } = await setup(t)
  server.heldBy('certloom/a')
  await watcher.start()
  server.mode = 'down'
  clock.advance(9999)
  assert.equal(watcher.mayWrite(), true)
  clock.advance(2)
  assert.deepEqual(watcher.currentHolder(), { identity: 'certloom/a', fresh: false })
  assert.equal(watcher.mayWrite(), false)
  assert.deepEqual(changes, [true, false])
  await until('the failure is logged', () => logger.text().includes('Lease cannot be read'))
  server.mode = 'up'
  await watcher.refresh()
  assert.deepEqual(changes, [true, false, true])
})

test('a start while the API server is away ends, and the holder is found later', async (t) => {
  const { server, clock, watcher } = await setup(t)
  server.heldBy('certloom/a')
  server.mode = 'down'
  await watcher.start()
  assert.equal(watcher.mayWrite(), false)
  server.mode = 'up'
  clock.advance(2000)
  await until('the holder is seen', () => watcher.mayWrite())
})

test('after stop nobody may write and nothing is asked', async (t) => {
  const { server, clock, watcher, changes } = await setup(t)
  server.heldBy('certloom/a')
  await watcher.start()
  await watcher.stop()
  assert.equal(watcher.mayWrite(), false)
  assert.deepEqual(changes, [true, false])
  const before = server.requests
  clock.advance(60_000)
  assert.equal(server.requests, before)
})
