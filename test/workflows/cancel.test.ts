import assert from 'node:assert/strict'
import { Gate, challenge, failure, inWorld, startCertificate, type Fakes } from './support.ts'

// The server that skips time cannot continue as new a run that was asked to cancel.
const test = inWorld('development')

const acme = (_cluster: Fakes['cluster'], namespace: string): Partial<Fakes['cluster']> => ({
  flow: 'order',
  groups: [[challenge('example.com', { namespace, uid: `${namespace}-1` })]],
})

test('a cancel gives the attempt up, cleans up, counts it and backs off in a new run', async (world) => {
  const gate = new Gate()
  await using subject = await startCertificate(
    world,
    () => ({ checkPropagation: () => gate.pass().then(never) }),
    acme,
  )
  const first = await subject.run()
  await gate.reached
  await subject.handle.cancel()
  await subject.newRun(first)
  await subject.phase('BackingOff')
  assert.deepEqual(subject.calls.effects, [
    ...['prepare', 'createOrder', 'presentChallenge', 'checkPropagation'],
    ...['cleanUpChallenge', 'abandonOrder', 'failAttempt'],
  ])
  assert.equal(subject.calls.of('failAttempt')[0]?.input.failure.code, 'Cancelled')
  assert.equal((await subject.attempts())[0]?.code, 'Cancelled')
})

test('a cancel of a certificate that waits changes nothing but the run', async (world) => {
  await using subject = await startCertificate(world)
  await subject.issued(1)
  const first = await subject.run()
  await subject.handle.cancel()
  await subject.newRun(first)
  await subject.issued(1)
  assert.deepEqual(subject.calls.effects, ['prepare', 'publish'])
})

test('a cancel while nothing can be read waits like everybody else', async (world) => {
  let broken = true
  await using subject = await startCertificate(world, (defaults) => ({
    async look(input) {
      if (broken) throw failure('Forbidden', 'certificates may not be read')
      return defaults.look(input)
    },
  }))
  await subject.phase('Blocked')
  await subject.handle.cancel()
  await subject.calls.nth('look', 2)
  await subject.phase('Blocked')
  assert.ok(subject.calls.of('look').length <= 4, `${subject.calls.of('look').length} looks`)
  broken = false
  await subject.handle.signal('changed')
  await subject.issued(1)
})

function never(): never {
  throw new Error('the gate of this test was opened')
}
