import assert from 'node:assert/strict'
import { searchAttributes } from '../../workflows/search-attributes.ts'
import {
  Gate,
  HOUR,
  challenge,
  failure,
  named,
  inWorld,
  secondsOf,
  startCertificate,
  timersOf,
  type Fakes,
} from './support.ts'

const test = inWorld()

const acme = (_cluster: Fakes['cluster'], namespace: string): Partial<Fakes['cluster']> => ({
  flow: 'order',
  groups: [[challenge('example.com', { namespace, uid: `${namespace}-1` })]],
})

test.skipping(
  'an attempt that the CA refuses is undone, counted, and tried again after one hour, two, four',
  async (world) => {
    await using subject = await startCertificate(
      world,
      () => ({
        answerChallenge: async () => {
          throw failure('AuthorizationInvalid', 'the TXT record is wrong')
        },
      }),
      acme,
    )
    const starts: number[] = []
    for (let attempt = 1; attempt <= 4; attempt++) {
      starts.push((await subject.calls.nth('prepare', attempt)).at)
      await subject.phase('BackingOff', { failures: attempt })
      if (attempt < 4) await world.skip(2 ** (attempt - 1) * HOUR + 5_000)
    }
    const waits = starts.slice(1).map((at, index) => (at - (starts[index] ?? 0)) / HOUR)
    assert.deepEqual(waits.map(Math.round), [1, 2, 4])
    assert.deepEqual(subject.calls.effects.slice(0, 7), [
      ...['prepare', 'createOrder', 'presentChallenge', 'checkPropagation', 'answerChallenge'],
      ...['cleanUpChallenge', 'abandonOrder'],
    ])
    assert.equal(subject.calls.of('failAttempt').length, 4)
    assert.deepEqual(subject.calls.of('discardAttempt'), [])
    assert.deepEqual(
      (await subject.attempts()).map(({ outcome, code }) => [outcome, code]),
      Array.from({ length: 4 }, () => ['failed', 'AuthorizationInvalid']),
    )
  },
)

test('renew skips the back-off', async (world) => {
  let broken = true
  await using subject = await startCertificate(world, (defaults) => ({
    async prepare(input) {
      if (broken) throw failure('SigningFailed')
      return defaults.prepare(input)
    },
  }))
  await subject.phase('BackingOff')
  broken = false
  await subject.handle.signal('renew')
  await subject.issued(1)
})

test('a change of the spec skips the back-off', async (world) => {
  let broken = true
  await using subject = await startCertificate(world, (defaults) => ({
    async prepare(input) {
      if (broken) throw failure('SigningFailed')
      return defaults.prepare(input)
    },
  }))
  await subject.phase('BackingOff')
  broken = false
  await subject.change({ digest: 'digest-2', backOffApplies: false })
  await subject.issued(1)
})

test('a certificate that backs off says why and who has to act, and is found by the code', async (world) => {
  await using subject = await startCertificate(
    world,
    () => ({
      answerChallenge: async () => {
        throw failure('AuthorizationInvalid', 'the TXT record is wrong')
      },
    }),
    acme,
  )
  await subject.phase('BackingOff', { finding: /^1 failed attempt; the next attempt at / })
  const { typedSearchAttributes } = await subject.handle.describe()
  assert.equal(typedSearchAttributes.get(searchAttributes.errorType), 'AuthorizationInvalid')
  const { currentDetails } = await subject.handle.query<{ currentDetails: string }>(
    '__temporal_workflow_metadata',
  )
  assert.match(
    currentDetails,
    /Waiting for the owner of the Certificate to act:\*\* the TXT record is wrong\. Mend .* \(AuthorizationInvalid\)/,
  )
})

test.skipping('a long row of failures continues as new, so that no run grows long', async (world) => {
  await using subject = await startCertificate(
    world,
    () => ({
      finalizeAndPublish: async () => {
        throw failure('OrderInvalid')
      },
    }),
    acme,
  )
  const first = await subject.run()
  for (let attempt = 1; attempt <= 6; attempt++) {
    await subject.phase('BackingOff', { failures: attempt })
    await world.skip(2 ** (attempt - 1) * HOUR + 5_000)
  }
  await subject.phase('BackingOff', { failures: 7 })
  assert.notEqual(await subject.run(), first)
  assert.ok((await subject.events(first)).length < 300)
})

test.skipping(
  'a failure that cannot be written down yet is not followed by another attempt',
  async (world) => {
    let broken = true
    await using subject = await startCertificate(world, (defaults) => ({
      async prepare() {
        throw failure('SigningFailed')
      },
      async failAttempt(input) {
        if (broken) throw failure('Forbidden', 'the status may not be written')
        return defaults.failAttempt(input)
      },
    }))
    await subject.phase('Blocked')
    await world.skip(60_000)
    assert.equal(subject.calls.of('prepare').length, 1)
    assert.ok(subject.calls.of('failAttempt').length > 1)
    broken = false
    await world.skip(60_000)
    await subject.phase('BackingOff')
    assert.equal((await subject.attempts())[0]?.outcome, 'failed')
  },
)

test.skipping(
  'what blocks is looked at after 5, 10, 20 and 20 seconds, counts no failure and keeps the order',
  async (world) => {
    let broken = true
    await using subject = await startCertificate(
      world,
      (defaults) => ({
        async presentChallenge(input) {
          if (broken) throw failure('PluginMissing', 'the plugin fixture-dns is not there')
          return defaults.presentChallenge(input)
        },
      }),
      acme,
    )
    await subject.phase('Blocked')
    await world.skip(60_000)
    await subject.calls.nth('presentChallenge', 5)
    const timers = named(await subject.events(), 'EVENT_TYPE_TIMER_STARTED')
    assert.deepEqual(timers.slice(0, 4).map(secondsOf), [5, 10, 20, 20])
    assert.match(timersOf(await subject.events())[0] ?? '', /^example.com: PluginMissing/)
    broken = false
    await world.skip(30_000)
    await subject.issued(1)
    assert.equal(subject.calls.of('createOrder').length, 1)
    assert.equal(subject.calls.of('prepare').length, 1)
    assert.deepEqual(subject.calls.of('failAttempt'), [])
  },
)

test('a message ends the wait for what blocks at once', async (world) => {
  let broken = true
  await using subject = await startCertificate(world, (defaults) => ({
    async prepare(input) {
      if (broken) throw failure('SecretNotFound', 'Secret ca-key does not exist')
      return defaults.prepare(input)
    },
  }))
  await subject.phase('Blocked')
  broken = false
  await subject.handle.signal('changed')
  await subject.issued(1)
})

test('a message that comes while a step is failing is not lost', async (world) => {
  const gate = new Gate()
  let broken = true
  await using subject = await startCertificate(world, (defaults) => ({
    async prepare(input) {
      if (!broken) return defaults.prepare(input)
      await gate.pass()
      broken = false
      throw failure('SecretNotFound', 'Secret ca-key does not exist')
    },
  }))
  await gate.reached
  const looks = subject.calls.of('look').length
  await subject.handle.signal('changed')
  await subject.calls.nth('look', looks + 1)
  gate.open()
  await subject.issued(1)
  assert.deepEqual(
    timersOf(await subject.events()).filter((summary) => !summary.startsWith('renew')),
    [],
  )
})

test.skipping('a CA that asks to come back later is left alone until then, whatever rings', async (world) => {
  let until = 0
  let broken = true
  await using subject = await startCertificate(
    world,
    (defaults) => ({
      async createOrder(input) {
        if (!broken) return defaults.createOrder(input)
        until ||= (await world.now()) + 2 * HOUR
        throw failure('RateLimited', 'too many orders', new Date(until).toISOString())
      },
    }),
    acme,
  )
  await subject.phase('Blocked')
  const looks = subject.calls.of('look').length
  await subject.handle.signal('changed')
  await subject.calls.nth('look', looks + 1)
  await world.skip(HOUR)
  await subject.phase('Blocked')
  assert.equal(subject.calls.of('createOrder').length, 1)
  broken = false
  await world.skip(HOUR + 5_000)
  await subject.issued(1)
  const again = subject.calls.of('createOrder')[1]?.at ?? 0
  assert.ok(again >= until && again < until + 5_000)
})

test('a spec that cannot work is reported and waited for, without an attempt', async (world) => {
  await using subject = await startCertificate(world, undefined, () => ({
    invalid: { code: 'NoNames', message: 'the Certificate asks for no name' },
  }))
  const status = await subject.phase('Blocked')
  assert.match(status.finding, /Set at least one of spec.dnsNames/)
  assert.deepEqual(subject.calls.effects, ['updateStatus'])
  await subject.change({ invalid: undefined })
  await subject.issued(1)
})

test.skipping(
  'a look that is refused blocks the certificate and does not end its workflow',
  async (world) => {
    let broken = true
    await using subject = await startCertificate(world, (defaults) => ({
      async look(input) {
        if (broken) throw failure('Forbidden', 'certificates may not be read')
        return defaults.look(input)
      },
    }))
    await subject.phase('Blocked', { finding: /may not be read/ })
    broken = false
    await world.skip(30_000)
    await subject.issued(1)
  },
)

test('a look that is refused during an attempt does not disturb the attempt', async (world) => {
  const gate = new Gate()
  let broken = false
  await using subject = await startCertificate(world, (defaults) => ({
    async look(input) {
      if (broken) throw failure('Forbidden', 'certificates may not be read')
      return defaults.look(input)
    },
    async publish(input) {
      await gate.pass()
      return defaults.publish(input)
    },
  }))
  await gate.reached
  broken = true
  const looks = subject.calls.of('look').length
  await subject.handle.signal('changed')
  await subject.calls.nth('look', looks + 1)
  broken = false
  gate.open()
  await subject.issued(1)
  assert.equal(subject.calls.of('publish').length, 1)
  assert.equal((await subject.attempts())[0]?.outcome, 'issued')
})

test.skipping(
  'a status that cannot be written blocks the certificate and does not end its workflow',
  async (world) => {
    let broken = true
    await using subject = await startCertificate(world, (defaults) => ({
      async updateStatus(input) {
        if (broken) throw failure('Forbidden', 'the status may not be written')
        return defaults.updateStatus(input)
      },
    }))
    await subject.issued(1)
    await subject.change({ statusStale: true })
    await subject.phase('Blocked', { finding: /may not be written/ })
    broken = false
    await world.skip(30_000)
    await subject.issued(1)
  },
)

test.skipping(
  'the looks at something that blocks begin with 5 seconds again after a quiet time',
  async (world) => {
    let broken = true
    await using subject = await startCertificate(world, (defaults) => ({
      async updateStatus(input) {
        if (broken) throw failure('Forbidden', 'the status may not be written')
        return defaults.updateStatus(input)
      },
    }))
    await subject.issued(1)
    await subject.change({ statusStale: true })
    await subject.phase('Blocked')
    await world.skip(120_000)
    broken = false
    await world.skip(30_000)
    await subject.issued(1)
    broken = true
    await subject.change({ statusStale: true })
    await subject.phase('Blocked')
    const timer = named(await subject.events(), 'EVENT_TYPE_TIMER_STARTED').at(-1)
    assert.equal(timer && secondsOf(timer), 5)
  },
)

test.skipping(
  'a failure of a kind that this release does not know is waited for like one that blocks',
  async (world) => {
    let broken = true
    await using subject = await startCertificate(world, (defaults) => ({
      async prepare(input) {
        if (broken)
          throw Object.assign(failure('Forbidden'), { type: 'CodeOfALaterRelease', nonRetryable: true })
        return defaults.prepare(input)
      },
    }))
    await subject.phase('Blocked')
    broken = false
    await world.skip(30_000)
    await subject.issued(1)
  },
)

test.skipping(
  'steps that fail for a passing reason are tried again without anybody noticing',
  async (world) => {
    let tries = 0
    await using subject = await startCertificate(world, (defaults) => ({
      async publish(input) {
        tries += 1
        if (tries < 3) throw failure('KubernetesUnavailable', 'the API server did not answer')
        return defaults.publish(input)
      },
    }))
    await subject.calls.nth('publish', 1)
    await world.skip(10_000)
    await subject.issued(1)
    assert.equal(tries, 3)
  },
)
