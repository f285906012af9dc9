import assert from 'node:assert/strict'
import type { IssuerLook } from '../../workflows/activities.ts'
import type { IssuerInput } from '../../workflows/messages.ts'
import { searchAttributes } from '../../workflows/search-attributes.ts'
import {
  CLUSTER,
  HOUR,
  QUEUE,
  activitiesOf,
  end,
  eventsOf,
  failure,
  fakeActivities,
  memoOf,
  named,
  inWorld,
  readyIssuer,
  secondsOf,
  taskFailures,
  timersOf,
  uniqueName,
  until,
  type World,
} from './support.ts'

const test = inWorld()

const blocked: IssuerLook = {
  ...readyIssuer,
  ready: false,
  finding: 'Secret acme-account does not exist',
  failure: { code: 'SecretNotFound', message: 'Secret acme-account does not exist' },
}

async function startIssuer(world: World, verify: () => Promise<IssuerLook>) {
  const { activities, calls } = fakeActivities(world.now, () => ({ verifyIssuer: verify }))
  world.use(activities)
  const namespace = uniqueName('shop')
  const input: IssuerInput = { v: 1, cluster: CLUSTER, kind: 'Issuer', namespace, name: 'acme' }
  const workflowId = `issuer/${namespace}/acme`
  await world.client.workflow.start('issuer', { workflowId, taskQueue: QUEUE, args: [input] })
  const handle = world.client.workflow.getHandle(workflowId)
  const phase = (wanted: string) =>
    until(`the issuer is ${wanted}`, async () => {
      return (await handle.describe()).typedSearchAttributes.get(searchAttributes.phase) === wanted
    })
  return {
    handle,
    calls,
    namespace,
    phase,
    [Symbol.asyncDispose]: async () => {
      const failures = taskFailures(await eventsOf(handle))
      await end(world, handle)
      assert.deepEqual(failures, [])
    },
  }
}

test.skipping('an issuer is verified once and then costs nothing until something changes', async (world) => {
  await using issuer = await startIssuer(world, async () => readyIssuer)
  await issuer.phase('Waiting')
  await world.skip(365 * 24 * 3_600_000)
  assert.equal(issuer.calls.of('verifyIssuer').length, 1)
  assert.deepEqual(timersOf(await eventsOf(issuer.handle)), [])
  await issuer.handle.signal('changed', { v: 1 })
  await issuer.calls.nth('verifyIssuer', 2)
})

test.skipping(
  'an issuer that something blocks is looked at after 5, 10 and 20 seconds until it is ready',
  async (world) => {
    let look = blocked
    await using issuer = await startIssuer(world, async () => look)
    await issuer.phase('Blocked')
    await world.skip(36_000)
    await issuer.calls.nth('verifyIssuer', 4)
    const timers = named(await eventsOf(issuer.handle), 'EVENT_TYPE_TIMER_STARTED')
    assert.deepEqual(
      timers.slice(0, 3).map((timer) => Math.round(secondsOf(timer))),
      [5, 10, 20],
    )
    look = readyIssuer
    await world.skip(30_000)
    await issuer.phase('Waiting')
  },
)

test('a message ends the wait of an issuer at once', async (world) => {
  let look = blocked
  await using issuer = await startIssuer(world, async () => look)
  await issuer.phase('Blocked')
  look = readyIssuer
  await issuer.handle.signal('changed')
  await issuer.phase('Waiting')
})

test.skipping(
  'a CA that asks to come back later is asked again then, or where the issuer or a Secret of it changed',
  async (world) => {
    const limited = { ...blocked, failure: { code: 'RateLimited' as const, message: 'too many accounts' } }
    let notBefore = ''
    await using issuer = await startIssuer(world, async () => {
      notBefore ||= new Date((await world.now()) + 2 * HOUR).toISOString()
      return { ...limited, failure: { ...limited.failure, notBefore } }
    })
    await issuer.phase('Blocked')
    const { uid, generation = 0 } = readyIssuer.known ?? {}
    await issuer.handle.signal('changed', { v: 1, uid, generation, cause: '' })
    await issuer.handle.signal('changed')
    await world.skip(HOUR)
    assert.equal(issuer.calls.of('verifyIssuer').length, 1)
    await issuer.handle.signal('changed', { v: 1, uid, generation: generation + 1, cause: '' })
    await issuer.calls.nth('verifyIssuer', 2)
    await issuer.handle.signal('changed', { v: 1, uid, generation, cause: 'Secret changed' })
    await issuer.calls.nth('verifyIssuer', 3)
    await world.skip(HOUR + 60_000)
    const { at } = await issuer.calls.nth('verifyIssuer', 4)
    assert.ok(Math.abs(at - Date.parse(notBefore)) < 5_000, `${at} instead of ${notBefore}`)
  },
)

test.skipping('an issuer whose spec is wrong is not looked at by itself', async (world) => {
  const wrong: IssuerLook = {
    ...blocked,
    failure: { code: 'InvalidSpec', message: 'spec.acme.server is no URL' },
  }
  await using issuer = await startIssuer(world, async () => wrong)
  await issuer.phase('Blocked')
  await world.skip(24 * 3_600_000)
  assert.equal(issuer.calls.of('verifyIssuer').length, 1)
})

test.skipping(
  'an issuer that may not be written to is looked at again and does not end its workflow',
  async (world) => {
    let broken = true
    await using issuer = await startIssuer(world, async () => {
      if (broken) throw failure('Forbidden', 'issuers/status may not be written')
      return readyIssuer
    })
    await issuer.phase('Blocked')
    broken = false
    await world.skip(10_000)
    await issuer.phase('Waiting')
  },
)

test('an issuer that is gone ends its workflow', async (world) => {
  let look = readyIssuer
  await using issuer = await startIssuer(world, async () => look)
  await issuer.phase('Waiting')
  look = { ...readyIssuer, exists: false }
  await issuer.handle.signal('deleted')
  await until('the workflow ended', async () => (await issuer.handle.describe()).status.name === 'COMPLETED')
})

test('an issuer that is made anew while its deletion is noticed is not forgotten', async (world) => {
  let gone = false
  let looks = 0
  await using issuer = await startIssuer(world, async () => {
    looks += 1
    if (!gone) return readyIssuer
    gone = false
    await issuer.handle.signal('changed')
    return { ...readyIssuer, exists: false }
  })
  await issuer.phase('Waiting')
  gone = true
  await issuer.handle.signal('deleted')
  await issuer.calls.nth('verifyIssuer', 3)
  assert.equal(looks, 3)
  assert.equal((await issuer.handle.describe()).status.name, 'RUNNING')
})

test('refresh continues an issuer as new, with its memo', async (world) => {
  await using issuer = await startIssuer(world, async () => readyIssuer)
  await issuer.phase('Waiting')
  const first = (await issuer.handle.describe()).runId
  await issuer.handle.signal('refresh')
  await until('there is a new run', async () => (await issuer.handle.describe()).runId !== first)
  await issuer.calls.nth('verifyIssuer', 2)
  const events = await eventsOf(issuer.handle)
  assert.deepEqual(memoOf(events[0]), {
    cluster: CLUSTER,
    known: readyIssuer.known,
    target: { kind: 'Issuer', namespace: issuer.namespace, name: 'acme' },
  })
  assert.deepEqual(activitiesOf(events), ['verifyIssuer'])
})
