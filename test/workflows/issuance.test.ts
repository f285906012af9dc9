import assert from 'node:assert/strict'
import {
  DAY,
  activitiesOf,
  memoOf,
  named,
  inWorld,
  secondsOf,
  startCertificate,
  summaryOf,
  timersOf,
  until,
} from './support.ts'

const test = inWorld()

test('a certificate without a Secret is issued and then waits with one timer that names the renewal time', async (world) => {
  await using subject = await startCertificate(world)
  const status = await subject.issued(1)
  assert.deepEqual(subject.calls.effects, ['prepare', 'publish'])

  const events = await subject.events()
  const [timer, ...more] = named(events, 'EVENT_TYPE_TIMER_STARTED')
  assert.ok(timer)
  assert.deepEqual(more, [])
  assert.equal(summaryOf(timer), `renew at ${status.renewalTime}`)
  assert.ok(Math.abs(secondsOf(timer) - (60 * DAY) / 1000) < 10, `${secondsOf(timer)} s`)
})

test.skipping(
  'at the renewal time a new run renews by itself, so that each run tells one revision',
  async (world) => {
    await using subject = await startCertificate(world)
    await subject.issued(1)
    const first = await subject.run()
    await world.skip(60 * DAY + 60_000)
    const second = await subject.newRun(first)
    await subject.issued(2)
    for (const run of [first, second]) {
      assert.deepEqual(activitiesOf(await subject.events(run)), ['prepare', 'publish'])
    }
    assert.equal(subject.calls.of('prepare')[1]?.input.cause.reason, 'Renewing')
  },
)

test('a changed doorbell that changes nothing costs one look, no activity and no timer', async (world) => {
  await using subject = await startCertificate(world)
  await subject.issued(1)
  const before = await subject.events()
  const looks = subject.calls.of('look').length
  await subject.handle.signal('changed')
  await subject.calls.nth('look', looks + 1)
  await subject.issued(1)
  const since = (await subject.events()).slice(before.length)
  assert.equal(named(since, 'EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED').length, 1)
  assert.deepEqual(activitiesOf(since), [])
  assert.deepEqual([...timersOf(since), ...named(since, 'EVENT_TYPE_TIMER_CANCELED')], [])
})

test.skipping('a renewal time that moves replaces the timer', async (world) => {
  await using subject = await startCertificate(world)
  await subject.issued(1)
  const sooner = new Date((await world.now()) + DAY).toISOString()
  await subject.change({ renewalTime: sooner })
  await until(
    'the timer names the new time',
    async () => timersOf(await subject.events()).at(-1) === `renew at ${sooner}`,
  )
  await world.skip(DAY + 60_000)
  await subject.issued(2)
})

test.skipping(
  'a worker whose clock is behind the server’s is not asked in a hurry at the renewal time',
  async (world) => {
    const lagMs = 20_000
    await using subject = await startCertificate(world, (defaults, cluster) => ({
      async look(input) {
        const look = await defaults.look(input)
        const due = Date.parse(cluster.renewalTime ?? '') + lagMs
        if (look.exists && look.why?.reason === 'Renewing' && (await world.now()) < due) delete look.why
        return look
      },
    }))
    await subject.issued(1)
    const looks = subject.calls.of('look').length
    await world.skip(60 * DAY + 60_000)
    await subject.issued(2)
    assert.ok(
      subject.calls.of('look').length - looks < 30,
      `${subject.calls.of('look').length - looks} looks`,
    )
  },
)

test('the memo is complete in every run and names what is known', async (world) => {
  await using subject = await startCertificate(world)
  await subject.issued(1)
  const first = await subject.run()
  const memo = {
    cluster: 'cluster-under-test',
    known: { uid: 'uid-1', generation: 1, issuing: '', secretVersion: '1' },
    target: { kind: 'Certificate', namespace: subject.namespace, name: 'web' },
  }
  assert.deepEqual((await subject.handle.describe()).memo, memo)
  await subject.handle.signal('renew')
  const second = await subject.newRun(first)
  await subject.issued(2)
  assert.deepEqual(memoOf((await subject.events(second))[0]), memo)
  const known = { ...memo.known, secretVersion: '2' }
  assert.deepEqual((await subject.handle.describe()).memo, { ...memo, known })
})

test('search attributes say what the certificate is, in the new run too', async (world) => {
  await using subject = await startCertificate(world)
  const { notAfter, renewalTime } = await subject.issued(1)
  const first = await subject.run()
  const attributes = async () => {
    const pairs = (await subject.handle.describe()).typedSearchAttributes.getAll()
    return Object.fromEntries(
      pairs.map(({ key, value }) => [key.name, value instanceof Date ? value.toISOString() : value]),
    )
  }
  const expected = {
    CertNamespace: subject.namespace,
    CertName: 'web',
    CertIssuer: 'ClusterIssuer/example',
    CertPhase: 'Waiting',
    CertErrorType: '',
    CertDnsNames: ['example.com'],
    CertFailures: 0,
    CertRevision: 1,
    CertPaused: false,
    CertSolver: '',
    CertNotAfter: notAfter,
    CertNextRenewal: renewalTime,
  }
  assert.deepEqual(await attributes(), expected)
  await subject.handle.signal('refresh')
  await subject.newRun(first)
  await subject.issued(1)
  assert.deepEqual(await attributes(), expected)
})

test('of many names as many as fit are searchable, and a last entry counts the others', async (world) => {
  const names = Array.from({ length: 20 }, (_, index) => `${'long-label.'.repeat(18)}${index}.example.com`)
  await using subject = await startCertificate(world, undefined, () => ({ names, moreNames: 43 }))
  await subject.issued(1)
  const pairs = (await subject.handle.describe()).typedSearchAttributes.getAll()
  const shown = pairs.find(({ key }) => key.name === 'CertDnsNames')?.value as string[]
  const listed = shown.slice(0, -1)
  assert.ok(JSON.stringify(shown).length <= 1_600, `${JSON.stringify(shown).length} bytes`)
  assert.deepEqual(listed, names.slice(0, listed.length))
  assert.equal(shown.at(-1), `+${63 - listed.length}`)
})

test('current details tell names, issuer, serial, dates and renewal in words', async (world) => {
  await using subject = await startCertificate(world, undefined, () => ({
    names: ['example.com', '*.example.com'],
    moreNames: 3,
  }))
  const { notAfter, renewalTime } = await subject.issued(1)
  const metadata = await subject.handle.query<{ currentDetails: string }>('__temporal_workflow_metadata')
  const details = metadata.currentDetails
  assert.match(
    details,
    new RegExp(`^\\*\\*${subject.namespace}/web\\*\\* is \\*\\*Waiting\\*\\*: renewal at `),
  )
  for (const line of [
    '- **Issuer:** ClusterIssuer/example',
    '- **Names:** example.com, \\*.example.com and 3 more',
    '- **Revision:** 1',
    '- **Serial:** `01`',
    `to ${notAfter}`,
    `- **Renewal:** ${renewalTime}`,
  ]) {
    assert.ok(details.includes(line), `${line} in\n${details}`)
  }
})

test('queries answer with the plan and with the attempts so far', async (world) => {
  await using subject = await startCertificate(world)
  const { renewalTime } = await subject.issued(1)
  assert.match(await subject.handle.query<string>('plan'), new RegExp(`^Renew at ${renewalTime}`))
  const [attempt, ...more] = await subject.attempts()
  assert.deepEqual(more, [])
  assert.equal(attempt?.number, 1)
  assert.equal(attempt.outcome, 'issued')
  assert.equal(attempt.cause, 'DoesNotExist')
})

test('a quiet certificate that is rung for years starts anew now and then, so that its history stays short', async (world) => {
  await using subject = await startCertificate(world)
  await subject.issued(1)
  const first = await subject.run()
  for (let rung = 0; rung < 400 && (await subject.run()) === first; rung += 20) {
    const looks = subject.calls.of('look').length
    for (let one = 0; one < 20; one++) {
      await subject.handle.signal('changed')
      await subject.calls.nth('look', looks + one + 1)
    }
  }
  await subject.newRun(first)
  await subject.issued(1)
  assert.deepEqual(subject.calls.effects, ['prepare', 'publish'])
})
