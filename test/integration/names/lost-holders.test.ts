import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { apiPath } from '../../../k8s-bridge/api/kinds.ts'
import { changedSignal } from '../../../workflows/messages.ts'
import { World } from '../support/world.ts'
import { SharedName, type Wish } from './support/shared-name.ts'

let world: World
let shared: SharedName
let names = 0

before(async () => {
  world = await World.open()
  await world.startController('bridge')
  await world.startController('worker')
})

after(() => world.close())

beforeEach(async () => {
  shared = await SharedName.open(world, `lost-${++names}-${process.pid}`)
})

afterEach(async () => {
  await shared.secondServer('answer')
  await shared.mend('DELETE')
})

async function valueOf(wish: Wish): Promise<string> {
  const [challenge] = await shared.challenges(wish.namespace)
  assert.ok(challenge !== undefined, `${wish.name} has no Challenge`)
  return challenge.spec.key
}

async function remove({ namespace, name }: Wish): Promise<void> {
  await world.remove('Certificate', namespace, name)
}

/** One that holds the name until the second name server answers, and others that wait for it. */
async function heldBy(first: string, ...others: string[]): Promise<[Wish, ...Wish[]]> {
  await shared.secondServer('hold')
  const holder = await shared.wish(first)
  await shared.held([holder])
  const waiting = await Promise.all(others.map((name) => shared.wish(name)))
  await Promise.all(waiting.map((wish) => shared.waits(wish)))
  return [holder, ...waiting]
}

test('a Certificate that is deleted while it waits leaves the queue without a call of the plugin', async () => {
  const [holder, leaving, last] = await heldBy('holder', 'leaving', 'last')
  assert.ok(leaving !== undefined && last !== undefined)
  const value = await valueOf(leaving)
  await remove(leaving)
  await world.until(
    'its Challenge is gone',
    30,
    async () => (await shared.challenges(leaving.namespace)).length === 0,
  )
  assert.deepEqual(
    (await shared.log()).filter((line) => line.value === value),
    [],
  )
  await shared.secondServer('answer')
  await Promise.all(
    [holder, last].map(({ namespace, name }) => world.ready(namespace, name, { seconds: 60 })),
  )
  await shared.nothingWrong()
})

test('what a terminated holder left is removed by the lock itself, and two who wait go on', async () => {
  const [holder, ...waiting] = await heldBy('holder', 'second', 'third')
  await shared.certificateWorkflow(holder).terminate('by a test')
  await remove(holder)
  await shared.secondServer('answer')
  await Promise.all(waiting.map(({ namespace, name }) => world.ready(namespace, name, { seconds: 90 })))
  await shared.nothingWrong()
  assert.deepEqual(await shared.challenges(holder.namespace), [])
})

test('what a holder left that was terminated with the lock is found and removed by the next lock', async () => {
  const [holder, waiting] = await heldBy('holder', 'second')
  assert.ok(waiting !== undefined)
  await shared.certificateWorkflow(holder).terminate('by a test')
  await shared.lockWorkflow().terminate('by a test')
  await remove(holder)
  await shared.secondServer('answer')
  await world.ready(waiting.namespace, waiting.name, { seconds: 90 })
  await shared.nothingWrong()
})

test('a Challenge that is deleted by hand stays until its record is removed, and its Certificate starts over', async () => {
  const [holder, waiting] = await heldBy('holder', 'second')
  assert.ok(waiting !== undefined)
  const [challenge] = await shared.challenges(holder.namespace)
  assert.ok(challenge !== undefined)
  await world.kubernetes.delete(apiPath('Challenge', holder.namespace, challenge.metadata.name))
  const [kept] = await shared.challenges(holder.namespace)
  assert.equal(kept?.metadata.uid, challenge.metadata.uid)
  await shared.secondServer('answer')
  await Promise.all(
    [holder, waiting].map(({ namespace, name }) => world.ready(namespace, name, { seconds: 90 })),
  )
  await shared.nothingWrong()
})

test('a name stays taken while a clean-up that was handed over goes on, even if its Certificate is gone', async () => {
  await shared.breakDown('DELETE')
  const holder = await shared.wish('holder')
  await world.until('the holder is cleaning up', 60, async () =>
    (await shared.log()).some((line) => line.command === 'DELETE'),
  )
  await world.ready(holder.namespace, holder.name, { seconds: 120 })
  await shared.forgetProofs(holder)
  const waiting = await shared.wish('second')
  const uid = (await world.get('Certificate', holder.namespace, holder.name))?.metadata.uid ?? ''
  const [cleanUp] = await world.until('the clean-up was handed over', 30, async () => {
    const open = await world.openWorkflows(`clean-up/${uid}/`)
    return open.length > 0 && open
  })
  await remove(holder)
  await world.untilGone('Certificate', holder.namespace, holder.name)
  await shared.waits(waiting)
  assert.equal((await shared.records()).length, 1)
  await shared.mend('DELETE')
  await world.temporal.workflow.getHandle(cleanUp ?? '').signal(changedSignal, {})
  await world.ready(waiting.namespace, waiting.name, { seconds: 90 })
  await shared.nothingWrong()
})
