import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Arrivals } from '../../../tools/bench/arrivals.ts'
import { issue } from '../../../tools/bench/certificates.ts'
import { fill } from '../../../tools/bench/scenarios/fill.ts'
import { caIssuer, newNamespace, selfSignedIssuer, type IssuerReference } from '../../../tools/bench/site.ts'
import { AuditLog } from '../../../tools/observe/audit-log.ts'
import { quietHistories } from '../../../tools/observe/history.ts'
import type { Controller } from '../support/controller.ts'
import { World } from '../support/world.ts'

const CERTIFICATES = 50

let world: World
let arrivals: Arrivals
let ca: IssuerReference
let namespace: string
let processes: Controller[]

before(async () => {
  world = await World.open()
  processes = [await world.startController('bridge'), await world.startController('worker')]
  arrivals = await Arrivals.start(world.kubernetes)
  world.defer(() => arrivals.stop())
  const selfSigned = await selfSignedIssuer(world, `restart-${process.pid}-self-signed`)
  ca = await caIssuer(world, `restart-${process.pid}-ca`, selfSigned)
  namespace = await fill({ site: world, arrivals, ca: [ca] }, CERTIFICATES)
})

after(() => world.close())

test(`kill -9 of bridge and worker with ${CERTIFICATES} issued certificates: no signal, no workflow task, no write comes of it`, async () => {
  const ids = `certificate/${namespace}/`
  const histories = await quietHistories(world.temporal, ids)
  assert.equal(histories.size, CERTIFICATES)
  for (const one of processes) one.kill()
  for (const one of processes) await one.ended()

  const audit = await AuditLog.start(world.servers)
  const [bridge] = await Promise.all([world.startController('bridge'), world.startController('worker')])
  // The Lease of the killed bridge runs out first; then all objects are compared and queued, in this order.
  await world.until('objects are compared', 60, async () =>
    (await bridge.log()).includes('objects compared with open workflows'),
  )
  // A new certificate queues behind them: when it is issued, they have been worked off.
  const sentinel = await newNamespace(world, 'sentinel')
  await issue(world, arrivals, { namespace: sentinel, name: 'one', dnsNames: ['one.test'], issuer: ca })

  assert.deepEqual(await quietHistories(world.temporal, ids), histories)
  const written = await audit.writes()
  const leases = written.filter(({ resource }) => resource === 'leases')
  const forSentinel = written.filter((write) => write.namespace === sentinel)
  assert.ok(leases.length > 0 && forSentinel.length > 0, 'the audit log shows nothing of what was written')
  assert.deepEqual(
    written.filter((write) => !leases.includes(write) && !forSentinel.includes(write)),
    [],
  )
})
