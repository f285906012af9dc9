import assert from 'node:assert/strict'
import type { Published } from '../../workflows/activities.ts'
import { renewNowUpdate, setPausedUpdate } from '../../workflows/messages.ts'
import { DAY, Gate, inWorld, startCertificate } from './support.ts'

const test = inWorld()

const wishes: [string, unknown[], RegExp][] = [
  ['without input, as tctl sends it,', [], /manually triggered$/],
  ['with a reason', [{ v: 1, reason: 'key leaked' }], /manually triggered \(key leaked\)/],
  ['with a bare text', ['rotate'], /manually triggered \(rotate\)/],
  ['with garbage', [[1, { reason: 2 }]], /manually triggered$/],
  ['with null', [null], /manually triggered$/],
]
for (const [what, args, message] of wishes) {
  test(`the signal renew ${what} renews in a new run`, async (world) => {
    await using subject = await startCertificate(world)
    await subject.issued(1)
    const first = await subject.run()
    await subject.handle.signal('renew', ...args)
    await subject.newRun(first)
    await subject.issued(2)
    assert.match(subject.calls.of('prepare')[1]?.input.cause.message ?? '', message)
    assert.deepEqual(subject.calls.effects, ['prepare', 'publish', 'prepare', 'publish'])
  })
}

test('no message of any shape makes a task of the workflow fail', async (world) => {
  await using subject = await startCertificate(world)
  await subject.issued(1)
  for (const signal of ['changed', 'deleted', 'granted', 'unknown']) {
    for (const input of [[], [null], ['text'], [{ requestId: 7 }], [[]]]) {
      const looks = subject.calls.of('look').length
      await subject.handle.signal(signal, ...input)
      await subject.handle.signal('changed')
      await subject.calls.nth('look', looks + 1)
    }
  }
  assert.equal((await subject.issued(1)).revision, 1)
})

test('a renew signal that cannot even be read renews all the same', async (world) => {
  await using subject = await startCertificate(world)
  await subject.issued(1)
  await world.client.workflowService.signalWorkflowExecution({
    namespace: world.namespace,
    workflowExecution: { workflowId: subject.id },
    signalName: 'renew',
    input: {
      payloads: [{ metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('{reason: now') }],
    },
  })
  await subject.issued(2)
})

test('the update renewNow answers with the number of the attempt that it causes', async (world) => {
  await using subject = await startCertificate(world)
  await subject.issued(1)
  assert.deepEqual(await subject.handle.executeUpdate('renewNow'), { attempt: 2 })
  await subject.issued(2)
  assert.deepEqual(
    (await subject.attempts()).map(({ number, outcome }) => [number, outcome]),
    [
      [1, 'issued'],
      [2, 'issued'],
    ],
  )
})

test('the update renewNow joins the attempt that is under way', async (world) => {
  const gate = new Gate()
  await using subject = await startCertificate(world, (defaults) => ({
    async prepare(input) {
      await gate.pass()
      return defaults.prepare(input)
    },
  }))
  await gate.reached
  assert.deepEqual(await subject.handle.executeUpdate(renewNowUpdate, { args: [{ reason: 'now' }] }), {
    attempt: 1,
  })
  gate.open()
  await subject.issued(1)
  assert.equal(subject.calls.of('publish').length, 1)
})

test('two renew signals during an issuance make one revision', async (world) => {
  const gate = new Gate()
  await using subject = await startCertificate(world, (defaults) => ({
    async prepare(input) {
      await gate.pass()
      return defaults.prepare(input)
    },
  }))
  await gate.reached
  await subject.handle.signal('renew', { reason: 'one' })
  await subject.handle.signal('renew', { reason: 'two' })
  gate.open()
  await subject.issued(1)
  // Another round: were the wishes still there, it would not end with waiting.
  const looks = subject.calls.of('look').length
  await subject.handle.signal('changed')
  await subject.calls.nth('look', looks + 1)
  await subject.issued(1)
  assert.equal(subject.calls.of('publish').length, 1)
})

for (const flow of ['sign', 'order'] as const) {
  test(`a renew after the Secret was written (${flow}) asks for the next revision`, async (world) => {
    const gate = new Gate()
    const afterwards = async (published: Published) => {
      if (published.revision === 1) await gate.pass()
      return published
    }
    await using subject = await startCertificate(
      world,
      (defaults) => ({
        publish: async (input) => afterwards(await defaults.publish(input)),
        finalizeAndPublish: async (input) => afterwards(await defaults.finalizeAndPublish(input)),
      }),
      () => ({ flow }),
    )
    await gate.reached
    await subject.handle.signal('renew', { reason: 'key leaked' })
    assert.deepEqual(await subject.handle.executeUpdate(renewNowUpdate, { args: [{ reason: 'now' }] }), {
      attempt: 2,
    })
    gate.open()
    await subject.issued(2)
    assert.equal(subject.calls.of('prepare').length, 2)
  })
}

test('renew signals that come while nothing may be issued are all answered by one new revision', async (world) => {
  await using subject = await startCertificate(world)
  await subject.issued(1)
  await subject.handle.signal('pause')
  for (let sent = 0; sent < 3; sent++) await subject.handle.signal('renew')
  await subject.handle.signal('pause', { on: false })
  await subject.issued(2)
  assert.equal(subject.calls.of('publish').length, 2)
})

test('Issuing=True that a person set makes exactly one revision', async (world) => {
  await using subject = await startCertificate(world)
  await subject.issued(1)
  await subject.change({ issuing: 'ManuallyTriggered@2026-02-01T00:00:00Z' })
  await subject.issued(2)
  assert.equal(subject.calls.of('prepare')[1]?.input.cause.reason, 'ManuallyTriggered')
  assert.equal(subject.calls.of('publish').length, 2)
})

test.skipping('the signal pause keeps a renewal from starting until it is taken back', async (world) => {
  await using subject = await startCertificate(world)
  await subject.issued(1)
  await subject.handle.signal('pause')
  await subject.phase('Paused')
  await world.skip(80 * DAY)
  assert.equal((await subject.phase('Paused')).revision, 1)
  await subject.handle.signal('pause', { on: false })
  await subject.issued(2)
})

test('a pause by message lasts over a refresh', async (world) => {
  await using subject = await startCertificate(world)
  await subject.issued(1)
  const first = await subject.run()
  await subject.handle.signal('pause', { on: true })
  await subject.phase('Paused')
  await subject.handle.signal('refresh')
  await subject.newRun(first)
  await subject.phase('Paused')
  assert.equal((await subject.status()).paused, true)
})

test('setPaused takes effect after the attempt that is under way', async (world) => {
  const gate = new Gate()
  await using subject = await startCertificate(world, (defaults) => ({
    async publish(input) {
      await gate.pass()
      return defaults.publish(input)
    },
  }))
  await gate.reached
  assert.deepEqual(await subject.handle.executeUpdate(setPausedUpdate, { args: [{ on: true }] }), {
    attempt: 1,
  })
  gate.open()
  await subject.phase('Paused', { revision: 1 })
})

test('a certificate with the annotation certloom.dev/paused issues nothing until it is removed', async (world) => {
  await using subject = await startCertificate(world, undefined, () => ({ paused: true }))
  await subject.phase('Paused')
  assert.deepEqual(subject.calls.effects, [])
  await subject.change({ paused: false })
  await subject.issued(1)
})

test('renewNow is refused while paused, and the signal renew waits for the end of the pause', async (world) => {
  await using subject = await startCertificate(world)
  await subject.issued(1)
  await subject.handle.signal('pause')
  await subject.phase('Paused')
  await assert.rejects(subject.handle.executeUpdate(renewNowUpdate, { args: [{}] }), (error: Error) =>
    /paused/.test(String(error.cause)),
  )
  await subject.handle.signal('renew')
  assert.match(await subject.handle.query<string>('plan'), /starts when the pause ends/)
  await subject.handle.executeUpdate(setPausedUpdate, { args: [{ on: false }] })
  await subject.issued(2)
})

test('refresh continues as new, issues nothing and forgets no attempt', async (world) => {
  await using subject = await startCertificate(world)
  await subject.issued(1)
  const first = await subject.run()
  await subject.handle.signal('refresh')
  await subject.newRun(first)
  await subject.issued(1)
  assert.equal((await subject.attempts()).length, 1)
  assert.deepEqual(subject.calls.effects, ['prepare', 'publish'])
})

test('refresh during an attempt waits for its end', async (world) => {
  const gate = new Gate()
  await using subject = await startCertificate(world, (defaults) => ({
    async publish(input) {
      await gate.pass()
      return defaults.publish(input)
    },
  }))
  const first = await subject.run()
  await gate.reached
  await subject.handle.signal('refresh')
  gate.open()
  await subject.newRun(first)
  await subject.issued(1)
  assert.equal(subject.calls.of('publish').length, 1)
})

test('a stale status is brought up to date without issuing', async (world) => {
  await using subject = await startCertificate(world)
  await subject.issued(1)
  await subject.change({ statusStale: true })
  await subject.calls.nth('updateStatus')
  await subject.issued(1)
  assert.deepEqual(subject.calls.effects, ['prepare', 'publish', 'updateStatus'])
})
