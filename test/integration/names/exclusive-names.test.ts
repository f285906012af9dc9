import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import type { Certificate } from '../../../k8s-bridge/api/certificate.ts'
import type { Controller } from '../support/controller.ts'
import { World } from '../support/world.ts'
import { SharedName, type Wish } from './support/shared-name.ts'

let world: World
let worker: Controller
let shared: SharedName
let wishes: Wish[]

before(async () => {
  world = await World.open()
  await world.startController('bridge', { CERTLOOM_AUDIT_INTERVAL_MS: '1000' })
  worker = await world.startController('worker')
  shared = await SharedName.open(world, `shared-${process.pid}`)
})

after(() => world.close())

afterEach(async () => {
  await shared.secondServer('answer')
  for (const command of ['CREATE', 'DELETE'] as const) await shared.letGo(command)
})

/** A round: all three are renewed at once; what happens in between must not matter. */
async function round(
  between: (revisions: readonly number[]) => Promise<void> = async () => undefined,
): Promise<void> {
  const revisions = await Promise.all(wishes.map(({ namespace, name }) => revisionOf(namespace, name)))
  for (const { namespace, name } of wishes) await world.cmctlRenew(namespace, name)
  await between(revisions)
  await Promise.all(
    wishes.map(({ namespace, name }, at) =>
      world.ready(namespace, name, { revision: (revisions[at] ?? 0) + 1, seconds: 90 }),
    ),
  )
  await shared.nothingWrong()
}

async function revisionOf(namespace: string, name: string): Promise<number> {
  const certificate = await world.get<Certificate>('Certificate', namespace, name)
  return certificate?.status?.revision ?? 0
}

/** While one holds the name and waits for a name server, and the others wait for the name. */
function whileHeld(act: (holder: Wish) => Promise<void>): (revisions: readonly number[]) => Promise<void> {
  return async (revisions) => {
    const holder = await shared.held(wishes)
    await shared.others(holder, wishes, revisions)
    await act(holder)
    await shared.secondServer('answer')
  }
}

async function killWorker(): Promise<void> {
  worker.kill('SIGKILL')
  await worker.ended()
  worker = await world.startController('worker')
}

const terminateHolder = (holder: Wish) =>
  shared
    .certificateWorkflow(holder)
    .terminate('by a test')
    .then(() => undefined)
const terminateLock = () =>
  shared
    .lockWorkflow()
    .terminate('by a test')
    .then(() => undefined)

test('three Certificates whose challenge names coincide, one with apex and wildcard, become Ready one after the other', async () => {
  wishes = [await shared.wish('one'), await shared.wish('two'), await shared.wish('both', { wildcard: true })]
  await Promise.all(wishes.map(({ namespace, name }) => world.ready(namespace, name, { seconds: 60 })))
  await shared.nothingWrong()
  assert.equal(new Set((await shared.log()).map((line) => line.value)).size, 4)
})

test('three renewals at once take turns', () => round())

test('a worker that is killed while a record stands', async () => {
  await shared.secondServer('hold')
  await round(whileHeld(killWorker))
})

test('a lock that is terminated while one holds the name and others wait', async () => {
  await shared.secondServer('hold')
  await round(whileHeld(terminateLock))
})

test('a certificate workflow that is terminated while its record stands', async () => {
  await shared.secondServer('hold')
  await round(whileHeld(terminateHolder))
})

test('holder and lock terminated at once', async () => {
  await shared.secondServer('hold')
  await round(
    whileHeld(async (holder) => void (await Promise.all([terminateHolder(holder), terminateLock()]))),
  )
})

test('worker killed and lock terminated at once', async () => {
  await shared.secondServer('hold')
  await round(whileHeld(async () => void (await Promise.all([killWorker(), terminateLock()]))))
})

test('a worker that is killed while CREATE runs, and the lock with it', async () => {
  await shared.hold('CREATE')
  const { length } = await shared.log()
  await round(async () => {
    const call = await shared.runs('CREATE', length)
    await Promise.all([killWorker(), terminateLock()])
    process.kill(call.pid, 'SIGKILL')
    await shared.letGo('CREATE')
  })
})

test('a worker that is killed while DELETE runs', async () => {
  await shared.hold('DELETE')
  const { length } = await shared.log()
  await round(async () => {
    const call = await shared.runs('DELETE', length)
    await killWorker()
    process.kill(call.pid, 'SIGKILL')
    await shared.letGo('DELETE')
  })
})

test('a certificate workflow that is terminated while its CREATE runs, and the lock with it', async () => {
  await shared.hold('CREATE')
  const { length } = await shared.log()
  await round(async () => {
    const call = await shared.runs('CREATE', length)
    const holder = await shared.ownerOf(call.value, wishes)
    assert.ok(holder !== undefined)
    await Promise.all([terminateHolder(holder), terminateLock()])
    await shared.letGo('CREATE')
  })
})

test('a certificate workflow that is terminated while its DELETE runs', async () => {
  await shared.hold('DELETE')
  const { length } = await shared.log()
  await round(async () => {
    const call = await shared.runs('DELETE', length)
    const holder = await shared.ownerOf(call.value, wishes)
    assert.ok(holder !== undefined)
    await terminateHolder(holder)
    await shared.letGo('DELETE')
  })
})
