import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { apiPath } from '../../../k8s-bridge/api/kinds.ts'
import { AuditLog } from '../../../tools/observe/audit-log.ts'
import type { Controller } from '../support/controller.ts'
import { World } from '../support/world.ts'
import {
  certificateId,
  eventCounts,
  issuerReady,
  quiet,
  runsOf,
  selfSignedIssuer,
  untilPhase,
  workedOff,
} from './support/operator.ts'
import { Recording } from './support/recording.ts'

let world: World
let controller: Controller
let namespace: string
let elsewhere: string
const names = ['root', 'one', 'two', 'three', 'four', 'held']

before(async () => {
  world = await World.open()
  controller = await world.startController()
  ;[namespace, elsewhere] = [await world.namespace('restart'), await world.namespace('elsewhere')]
  await Promise.all([selfSignedIssuer(world, namespace), selfSignedIssuer(world, elsewhere)])
  await world.certificate(namespace, 'root', { isCA: true, commonName: 'root', issuerRef: { name: 'self' } })
  await world.ready(namespace, 'root')
  await world.apply('Issuer', {
    metadata: { namespace, name: 'ca' },
    spec: { ca: { secretName: 'root-tls' } },
  })
  await issuerReady(world, namespace, 'ca')
  for (const name of ['one', 'two', 'three', 'four']) {
    await world.certificate(namespace, name, { dnsNames: [`${name}.test`], issuerRef: { name: 'ca' } })
  }
  await world.apply('Certificate', {
    metadata: { namespace, name: 'held', annotations: { 'certloom.dev/paused': 'true' } },
    spec: { secretName: 'held-tls', dnsNames: ['held.test'], issuerRef: { name: 'self' } },
  })
  for (const name of names) await untilPhase(world, namespace, name, name === 'held' ? 'Paused' : 'Waiting')
  // A life that is not the shortest: a label that somebody put on the Secret, a renewal by cmctl, a changed spec.
  await world.kubernetes.merge(apiPath('Secret', namespace, 'two-tls'), {
    metadata: { labels: { mine: 'yes' } },
  })
  await world.cmctlRenew(namespace, 'three')
  await world.ready(namespace, 'three', { revision: 2 })
  await world.certificate(namespace, 'four', {
    dnsNames: ['four.test'],
    renewBefore: '100h',
    issuerRef: { name: 'ca' },
  })
  await world.ready(namespace, 'four')
  await quiet(world, namespace, 'four')
})

after(() => world.close())

/** Everything in Temporal about our objects: a signal, a task or a new run would change it. */
async function stories(): Promise<Record<string, unknown>> {
  const told: Record<string, unknown> = {}
  for (const id of [
    ...names.map((name) => certificateId(namespace, name)),
    `issuer/${namespace}/self`,
    `issuer/${namespace}/ca`,
  ]) {
    const { runId, historyLength } = await world.temporal.workflow.getHandle(id).describe()
    const signals = (await eventCounts(world, id)).get('WORKFLOW_EXECUTION_SIGNALED')
    told[id] = { runId, historyLength, signals, runs: (await runsOf(world, id)).length }
  }
  return told
}

test('a restart with quiet certificates sends no signal, makes no workflow task and writes nothing', async () => {
  const before = await stories()
  await controller.stop()
  const audit = await AuditLog.start(world.servers)
  const recordings = await Promise.all(
    (['Certificate', 'CertificateRequest', 'Issuer', 'Secret', 'Event'] as const).map((kind) =>
      Recording.start(world.kubernetes, apiPath(kind, namespace)),
    ),
  )
  controller = await world.startController()
  await workedOff(world, elsewhere)
  assert.deepEqual(await stories(), before)
  for (const recording of recordings) {
    recording.stop()
    assert.deepEqual(recording.seen, [])
  }
  const written = await audit.writes()
  assert.ok(
    written.some(({ resource }) => resource === 'leases') &&
      written.some((write) => write.namespace === elsewhere),
    'the audit log shows nothing of what was written',
  )
  assert.deepEqual(
    written.filter((write) => write.namespace === namespace),
    [],
  )
})

test('a certificate that changed while the controller was down is the only one that is rung', async () => {
  const before = await stories()
  await controller.stop()
  await world.certificate(namespace, 'one', {
    dnsNames: ['one.test', 'more.test'],
    issuerRef: { name: 'ca' },
  })
  controller = await world.startController()
  await world.ready(namespace, 'one', { revision: 2 })
  await workedOff(world, elsewhere)
  const id = certificateId(namespace, 'one')
  const { [id]: changed, ...others } = await stories()
  const { [id]: unchanged, ...same } = before
  assert.deepEqual(others, same)
  assert.notDeepEqual(changed, unchanged)
})

test('a Secret that was deleted and a Certificate that was deleted while the controller was down are noticed', async () => {
  await controller.stop()
  await world.remove('Secret', namespace, 'two-tls')
  await world.remove('Certificate', namespace, 'four')
  controller = await world.startController()
  await world.ready(namespace, 'two', { revision: 2 })
  await world.until('the workflow of the deleted one is done', 10, async () => {
    return (await runsOf(world, certificateId(namespace, 'four')))[0]?.status === 'COMPLETED'
  })
})
