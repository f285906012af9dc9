import assert from 'node:assert/strict'
import { HOUR, challenge, failure, inWorld, startCertificate, until, type Fakes } from './support.ts'

const test = inWorld()

const names = ['a.example.com', 'b.example.com']
const acme = (_cluster: Fakes['cluster'], namespace: string): Partial<Fakes['cluster']> => ({
  flow: 'order',
  names,
  groups: names.map((name) => [challenge(name, { namespace, exclusive: true, uid: `${namespace}-${name}` })]),
})

test('a certificate is Blocked as long as any of its names is, whatever the others report', async (world) => {
  let missing = true
  let seen = false
  await using subject = await startCertificate(
    world,
    (defaults) => ({
      async presentChallenge(input) {
        if (missing && input.plan.name === 'a.example.com') throw failure('PluginMissing', 'no plugin')
        return defaults.presentChallenge(input)
      },
      async checkPropagation(input) {
        if (missing && input.tries === 0) await subject.phase('Blocked')
        const since = input.since ?? '2026-01-01T00:00:00Z'
        return { done: seen, finding: 'ns2 answers the old value', tries: input.tries + 1, since }
      },
    }),
    acme,
  )
  const windows = () => subject.calls.of('checkPropagation').length
  await until('the other name was looked for again', () => windows() > 3)
  const { phase, finding } = await subject.status()
  assert.deepEqual([phase, finding], ['Blocked', 'no plugin'])
  seen = true
  missing = false
  await subject.handle.signal('changed')
  await subject.issued(1)
})

test('a certificate of which several names are blocked says so', async (world) => {
  let missing = true
  await using subject = await startCertificate(
    world,
    (defaults) => ({
      async presentChallenge(input) {
        if (missing) throw failure('PluginMissing', 'no plugin')
        return defaults.presentChallenge(input)
      },
    }),
    acme,
  )
  await subject.phase('Blocked', { finding: /^no plugin \(and 1 more of its names cannot go on\)$/ })
  missing = false
  await subject.handle.signal('changed')
  await subject.issued(1)
})

test('what blocks several names is written to the Certificate once, and taken away when they go on', async (world) => {
  let missing = true
  await using subject = await startCertificate(
    world,
    (defaults) => ({
      async presentChallenge(input) {
        if (missing) throw failure('PluginMissing', `no plugin for ${input.plan.name}`)
        return defaults.presentChallenge(input)
      },
      async checkPropagation(input) {
        // The condition must not wait for the end of a long wait.
        await until('it is no longer Stalled', () => told().at(-1) === 'goes on')
        return defaults.checkPropagation(input)
      },
    }),
    acme,
  )
  const looks = () => subject.calls.of('presentChallenge').length
  const told = () => subject.calls.of('reportBlocked').map(({ input }) => input.failure?.code ?? 'goes on')
  await until('both names were looked at twice', async () => {
    await subject.handle.signal('changed')
    return looks() >= 4
  })
  assert.deepEqual(told(), ['PluginMissing'])
  missing = false
  await subject.handle.signal('changed')
  await subject.issued(1)
})

test('many names that go on together, the one blocked longest last, leave nothing behind', async (world) => {
  const many = Array.from({ length: 12 }, (_, at) => `${String.fromCharCode(97 + at)}.example.com`)
  let missing = true
  let others = 0
  await using subject = await startCertificate(
    world,
    (defaults) => ({
      async presentChallenge(input) {
        if (missing) throw failure('PluginMissing', `no plugin for ${input.plan.name}`)
        if (input.plan.name !== many[0]) others += 1
        else await until('the others went on', () => others === many.length - 1)
        return defaults.presentChallenge(input)
      },
    }),
    (_cluster, namespace) => ({
      flow: 'order',
      names: many,
      groups: many.map((name) => [challenge(name, { namespace, uid: `${namespace}-${name}` })]),
    }),
  )
  await subject.phase('Blocked', { finding: /and 11 more of its names/ })
  missing = false
  await subject.handle.signal('changed')
  await subject.issued(1)
  const told = subject.calls.of('reportBlocked').map(({ input }) => input.failure?.code)
  assert.equal(told.at(0), 'PluginMissing')
  assert.equal(told.at(-1), undefined)
})

test('a blocked state that cannot be written is written with a later look', async (world) => {
  let missing = true
  let broken = true
  await using subject = await startCertificate(
    world,
    (defaults) => ({
      async presentChallenge(input) {
        if (missing) throw failure('PluginMissing', 'no plugin')
        return defaults.presentChallenge(input)
      },
      async reportBlocked() {
        if (broken) throw failure('Forbidden', 'certificates/status')
      },
    }),
    acme,
  )
  await subject.calls.nth('reportBlocked')
  broken = false
  await until('it is told again', async () => {
    await subject.handle.signal('changed')
    return subject.calls.of('reportBlocked').length > 1
  })
  missing = false
  await subject.handle.signal('changed')
  await subject.issued(1)
})

test.skipping('a name that another certificate keeps until the order is void is NameInUse', async (world) => {
  let held = true
  await using subject = await startCertificate(
    world,
    (defaults) => ({
      async createOrder(input) {
        const plan = await defaults.createOrder(input)
        return { ...plan, deadline: new Date((await world.now()) + HOUR).toISOString() }
      },
      async presentChallenge(input) {
        return held
          ? { queued: { position: 3, holder: 'certificate/shop/other' } }
          : defaults.presentChallenge(input)
      },
    }),
    (cluster, namespace) => ({
      ...acme(cluster, namespace),
      groups: acme(cluster, namespace).groups?.slice(0, 1) ?? [],
    }),
  )
  await subject.calls.nth('presentChallenge')
  await world.skip(HOUR + 60_000)
  await subject.calls.nth('abandonOrder')
  const [first] = await subject.attempts()
  assert.equal(first?.code, 'NameInUse')
  assert.match(first.message ?? '', /is in use by certificate\/shop\/other; 3 come before this one$/)
  held = false
  await world.skip(60_000)
  await subject.issued(1)
})

for (const [step, flow] of [
  ['createOrder', 'order'],
  ['finalizeAndPublish', 'order'],
  ['publish', 'external'],
] as const) {
  test(`a request that somebody deletes before ${step} is made again, and nothing is counted`, async (world) => {
    let gone = true
    await using subject = await startCertificate(
      world,
      (defaults) => ({
        async [step](input: never) {
          if (gone) throw failure('ObjectGone', 'CertificateRequest shop/web-1 is gone')
          return defaults[step](input)
        },
      }),
      () => ({ flow }),
    )
    await subject.calls.nth('discardAttempt')
    gone = false
    await subject.phase('Blocked')
    await subject.handle.signal('changed', { v: 1, cause: 'request deleted' })
    await subject.issued(1)
    assert.equal(subject.calls.of('prepare').length, 2)
    assert.deepEqual(subject.calls.of('failAttempt'), [])
  })
}
