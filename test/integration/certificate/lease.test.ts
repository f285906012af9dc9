import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { apiPath } from '../../../k8s-bridge/api/kinds.ts'
import { AuditLog } from '../../../tools/observe/audit-log.ts'
import { TEMPORAL_NAMESPACE, World, type AnyObject } from '../support/world.ts'
import { selfSignedIssuer } from './support/operator.ts'
import { ForeignHolder } from '../support/foreign-holder.ts'
import { Recording } from './support/recording.ts'

let world: World
let namespace: string

before(async () => {
  world = await World.open()
  namespace = await world.namespace('lease')
  const controller = await world.startController()
  await selfSignedIssuer(world, namespace)
  for (const name of ['asked', 'due', 'lost']) await certificate(name, { duration: '1h' })
  for (const name of ['asked', 'due', 'lost']) await world.ready(namespace, name)
  await controller.stop()
})

after(() => world.close())

const kinds = [
  'Certificate',
  'CertificateRequest',
  'Issuer',
  'Order',
  'Challenge',
  'Secret',
  'Event',
] as const

test('while a foreign controller holds the Lease, nothing of ours is written and no worker polls; then it goes on', async () => {
  const foreign = await ForeignHolder.start(world)
  // Renewed every second or two, it would disturb whatever comes after.
  world.defer(() => world.remove('Certificate', namespace, 'due'))
  // A renewal that is due, a wish, a lost Secret and a new Certificate: four reasons to issue.
  await certificate('due', { duration: '1h', renewBefore: '59m58s' })
  await world.cmctlRenew(namespace, 'asked')
  await world.remove('Secret', namespace, 'lost-tls')
  await certificate('fresh')

  const recordings = await Promise.all(
    kinds.map((kind) => Recording.start(world.kubernetes, apiPath(kind, namespace))),
  )
  const clusterIssuers = await Recording.start(world.kubernetes, apiPath('ClusterIssuer'))
  const audit = await AuditLog.start(world.servers)
  const ours = [await world.startWaiting('all'), await world.startWaiting('worker')]
  await foreign.renewed(10)
  assert.deepEqual(await audit.writes(), [])
  for (const recording of [...recordings, clusterIssuers]) {
    recording.stop()
    assert.deepEqual(recording.seen, [])
  }
  const identities = await pollers()
  for (const { pid } of ours) {
    assert.ok(!identities.some((one) => one.startsWith(`${pid}@`)), `${pid} polls: ${identities.join(', ')}`)
  }
  assert.match(await foreign.holder(), /^cert-manager-abc/)

  await foreign.stop()
  for (const name of ['asked', 'due', 'lost']) {
    await world.untilObject<AnyObject>('Certificate', namespace, name, 'issued again', (one) => {
      return Number(one.status?.['revision']) >= 2
    })
  }
  await world.ready(namespace, 'fresh', { revision: 1 })
  assert.match(await foreign.holder(), /^certloom\//)
  // What was read before is told apart from a log that shows nothing of us, and a queue that shows no pollers.
  assert.ok((await audit.writes()).some((write) => write.namespace === namespace))
  const now = await pollers()
  for (const { pid } of ours)
    assert.ok(
      now.some((one) => one.startsWith(`${pid}@`)),
      `${pid} does not poll`,
    )
})

function certificate(name: string, spec: object = {}): Promise<unknown> {
  return world.certificate(namespace, name, {
    dnsNames: [`${name}.test`],
    issuerRef: { name: 'self' },
    ...spec,
  })
}

/** Identities of the workers that have asked the queue for work. */
async function pollers(): Promise<string[]> {
  const types = ['TASK_QUEUE_TYPE_WORKFLOW', 'TASK_QUEUE_TYPE_ACTIVITY'] as const
  const found = await Promise.all(
    types.map((_, at) =>
      world.temporal.workflowService.describeTaskQueue({
        namespace: TEMPORAL_NAMESPACE,
        taskQueue: { name: 'certloom' },
        taskQueueType: at + 1,
      }),
    ),
  )
  return found.flatMap((queue) => queue.pollers.map((poller) => poller.identity ?? ''))
}
