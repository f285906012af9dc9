import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { isOurs, LeaseHolder, type LeaseHolderOptions } from '../../k8s-bridge/lease.ts'
import { FakeClock } from './support/fake-clock.ts'
import { recordingLogger, until } from './support/harness.ts'
import { leaseStub, type LeaseStub } from './support/lease-stub.ts'

interface Candidate {
  holder: LeaseHolder
  clock: FakeClock
  changes: boolean[]
  logger: ReturnType<typeof recordingLogger>
}

async function setup(t: TestContext) {
  const { server, kubernetes } = await leaseStub(t)
  const candidate = (name: string, options: Partial<LeaseHolderOptions> = {}): Candidate => {
    const clock = new FakeClock()
    const logger = recordingLogger()
    const holder = new LeaseHolder({
      kubernetes,
      logger,
      clock,
      identity: `certloom/${name}`,
      callTimeout: 3000,
      ...options,
    })
    const changes: boolean[] = []
    holder.onChange((is) => void changes.push(is))
    t.after(() => holder.stop({ release: false }))
    return { holder, clock, changes, logger }
  }
  return { server, kubernetes, candidate }
}

const PERIOD = 2000

/** Lets one retry period pass and waits until the candidate has asked the server and rests again. */
async function round(server: LeaseStub, one: Candidate): Promise<void> {
  await rests(one)
  const before = server.requests
  one.clock.advance(PERIOD)
  await rests(one)
  assert.ok(server.requests > before, 'the candidate asked')
}

async function rests({ clock }: Candidate): Promise<void> {
  await until('the candidate rests', () => clock.isWaiting(PERIOD))
}

test('a Lease that does not exist is created and then renewed with one write per period', async (t) => {
  const { server, candidate } = await setup(t)
  const one = candidate('one')
  assert.equal(one.holder.isHolder(), false)
  one.holder.start()
  await until('it is the holder', () => one.holder.isHolder())
  const { spec } = server.lease ?? {}
  assert.deepEqual(
    [spec?.holderIdentity, spec?.leaseDurationSeconds, spec?.leaseTransitions],
    ['certloom/one', 15, 0],
  )
  assert.match(spec?.renewTime ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  await rests(one)
  const before = server.requests
  for (let i = 0; i < 5; i++) await round(server, one)
  assert.equal(server.requests - before, 5)
  assert.equal(server.lease?.spec?.acquireTime, spec?.acquireTime)
  assert.notEqual(server.lease?.spec?.renewTime, spec?.renewTime)
  assert.deepEqual(one.changes, [true])
})

for (const hours of [1, -1]) {
  test(`a silent holder is succeeded after its whole lease, with our clock wrong by ${hours} h`, async (t) => {
    const { server, candidate } = await setup(t)
    server.heldBy('upstream', { leaseDurationSeconds: 60, leaseTransitions: 4 })
    const one = candidate('one')
    one.clock.skew = hours * 3_600_000
    one.holder.start()
    await rests(one)
    for (let passed = 2; passed < 60; passed += 2) {
      await round(server, one)
      assert.equal(one.holder.isHolder(), false, `after ${passed} s of 60`)
    }
    await round(server, one)
    await until('it is the holder', () => one.holder.isHolder())
    assert.equal(server.lease?.spec?.leaseTransitions, 5)
    assert.equal(server.lease.spec.leaseDurationSeconds, 15)
  })
}

test('a holder that renews is left alone for ever, even if its clock stands still', async (t) => {
  const { server, candidate } = await setup(t)
  const one = candidate('one')
  server.heldBy('upstream', { leaseDurationSeconds: 15 })
  one.holder.start()
  await rests(one)
  for (let passed = 0; passed < 60; passed += 2) {
    // renewTime stays what it was: only the version tells that it is alive.
    if (passed % 10 === 0) server.heldBy('upstream', { leaseDurationSeconds: 15 })
    await round(server, one)
  }
  assert.equal(server.holder, 'upstream')
  assert.deepEqual(one.changes, [])
})

test('of two candidates that see the same end only one becomes the holder', async (t) => {
  const { server, candidate } = await setup(t)
  const one = candidate('one')
  server.heldBy('', {})
  server.beforeWrite = () => {
    server.beforeWrite = undefined
    server.heldBy('certloom/two')
  }
  one.holder.start()
  await rests(one)
  assert.equal(one.holder.isHolder(), false)
  assert.equal(server.holder, 'certloom/two')
})

test('an API server that is away makes the holder step down at the renew deadline, before anybody may take over', async (t) => {
  const { server, candidate } = await setup(t)
  const one = candidate('one')
  one.holder.start()
  await until('it is the holder', () => one.holder.isHolder())
  await rests(one)
  server.mode = 'down'
  for (let passed = 2; passed < 10; passed += 2) await round(server, one)
  one.clock.advance(1999)
  assert.equal(one.holder.isHolder(), true, 'at 9.999 s')
  one.clock.advance(1)
  assert.equal(one.holder.isHolder(), false, 'at 10 s')
  assert.deepEqual(one.changes, [true, false])
  server.mode = 'up'
  await rests(one)
  await round(server, one)
  await until('it is the holder again', () => one.holder.isHolder())
  assert.deepEqual(one.changes, [true, false, true])
})

test('a renewal that hangs does not keep it in office, and one that was stored but not answered is found', async (t) => {
  const { server, candidate } = await setup(t)
  const one = candidate('one', { callTimeout: 60_000 })
  one.holder.start()
  await until('it is the holder', () => one.holder.isHolder())
  await rests(one)
  server.mode = 'hang'
  const before = server.requests
  one.clock.advance(2000)
  await until('the renewal hangs', () => server.requests === before + 1)
  one.clock.advance(8000)
  assert.deepEqual(one.changes, [true, false])

  const two = candidate('two', { callTimeout: 50 })
  server.mode = 'up'
  server.lease = undefined
  two.holder.start()
  await rests(two)
  server.mode = 'apply-and-hang'
  two.clock.advance(2000)
  await until('the limit of the call has passed', () =>
    two.logger.text().includes('did not answer within 50 ms'),
  )
  server.mode = 'up'
  await round(server, two)
  assert.equal(two.holder.isHolder(), true)
  assert.deepEqual(two.changes, [true])
})

test('time counts from before the write, so a slow answer shortens our term', async (t) => {
  const { server, candidate } = await setup(t)
  const one = candidate('one')
  server.beforeWrite = () => one.clock.block(4000)
  one.holder.start()
  await until('it is the holder', () => one.holder.isHolder())
  one.clock.block(5999)
  assert.equal(one.holder.isHolder(), true)
  one.clock.block(1)
  assert.equal(one.holder.isHolder(), false)
})

test('a process that was blocked finds its time over before any timer fires', async (t) => {
  const { candidate } = await setup(t)
  const one = candidate('one')
  one.holder.start()
  await until('it is the holder', () => one.holder.isHolder())
  await rests(one)
  one.clock.block(10_000)
  assert.equal(one.holder.isHolder(), false)
})

test('a holder that was robbed steps down when it sees the other name', async (t) => {
  const { server, candidate } = await setup(t)
  const one = candidate('one')
  one.holder.start()
  await until('it is the holder', () => one.holder.isHolder())
  await rests(one)
  server.heldBy('upstream')
  await round(server, one)
  assert.deepEqual(one.changes, [true, false])
  assert.equal(server.holder, 'upstream')
})

test('stop with release steps down first, empties the Lease, and the next takes it at its first look', async (t) => {
  const { server, candidate } = await setup(t)
  const one = candidate('one')
  const two = candidate('two')
  one.holder.start()
  await until('one is the holder', () => one.holder.isHolder())
  two.holder.start()
  await rests(two)
  assert.equal(two.holder.isHolder(), false)
  let holdingAtRelease: boolean | undefined
  server.beforeWrite = () => (holdingAtRelease ??= one.holder.isHolder())
  const stopped = one.holder.stop({ release: true })
  assert.equal(one.holder.isHolder(), false)
  await stopped
  assert.equal(holdingAtRelease, false)
  assert.deepEqual([server.holder, server.lease?.spec?.leaseDurationSeconds], ['', 1])
  await round(server, two)
  assert.equal(two.holder.isHolder(), true)
  const before = server.requests
  assert.equal(one.clock.isWaiting(PERIOD), false, 'one asks no more')
  one.clock.advance(60_000)
  assert.equal(server.requests, before)
})

test('stop without release leaves the Lease, and stop never releases what another holds', async (t) => {
  const { server, candidate } = await setup(t)
  const one = candidate('one')
  one.holder.start()
  await until('it is the holder', () => one.holder.isHolder())
  await one.holder.stop({ release: false })
  assert.equal(server.holder, 'certloom/one')
  const two = candidate('two')
  two.holder.start()
  await rests(two)
  await two.holder.stop({ release: true })
  assert.equal(server.holder, 'certloom/one')
})

test('what others keep in the Lease survives our renewal', async (t) => {
  const { server, candidate } = await setup(t)
  server.heldBy('')
  if (server.lease) Object.assign(server.lease.metadata, { labels: { team: 'a' } })
  const one = candidate('one')
  one.holder.start()
  await until('it is the holder', () => one.holder.isHolder())
  assert.deepEqual((server.lease?.metadata as { labels?: object }).labels, { team: 'a' })
})

test('times that do not fit each other are refused with the rule', async (t) => {
  const { candidate } = await setup(t)
  assert.throws(() => candidate('a', { leaseDuration: 1500 }), /leaseDuration is 1500 ms.*whole seconds/)
  assert.throws(
    () => candidate('a', { renewDeadline: 15_000 }),
    /retryPeriod .* < renewDeadline .* < leaseDuration/,
  )
  const { holder } = candidate('a')
  holder.start()
  assert.throws(() => holder.start(), /started once/)
})

test('an identity of ours is told by its prefix, and each holder has its own', async (t) => {
  const { kubernetes } = await setup(t)
  const make = () => new LeaseHolder({ kubernetes, logger: recordingLogger() }).identity
  const [one, two] = [make(), make()]
  assert.ok(isOurs(one) && isOurs(two))
  assert.notEqual(one, two)
  for (const identity of ['', 'certloom', 'cert-manager-abc', 'x certloom/y'])
    assert.equal(isOurs(identity), false)
})
