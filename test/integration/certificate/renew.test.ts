import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Certificate } from '../../../k8s-bridge/api/certificate.ts'
import { apiPath } from '../../../k8s-bridge/api/kinds.ts'
import type { Controller } from '../support/controller.ts'
import { TEMPORAL_NAMESPACE, World } from '../support/world.ts'
import {
  certificateId,
  eventCounts,
  quiet,
  selfSignedIssuer,
  temporalCli,
  untilPhase,
} from './support/operator.ts'
import { Recording } from './support/recording.ts'

let world: World
let namespace: string
let controller: Controller
let requests: Recording
let revision = 1

before(async () => {
  world = await World.open()
  controller = await world.startController()
  namespace = await world.namespace('renew')
  await selfSignedIssuer(world, namespace)
  requests = await Recording.start(world.kubernetes, apiPath('CertificateRequest', namespace))
  await world.certificate(namespace, 'web', { dnsNames: ['web.test'], issuerRef: { name: 'self' } })
  await world.ready(namespace, 'web', { revision })
})

after(() => world.close())

test('signal renew without input, as an operator types it, makes one revision', async () => {
  await temporalCli(world, 'workflow', 'signal', '--workflow-id', id(), '--name', 'renew')
  await oneMore()
})

test('signal renew with a reason makes one revision and keeps the reason', async () => {
  const input = ['--input', '{"reason": "key seen in a log"}']
  await temporalCli(world, 'workflow', 'signal', '--workflow-id', id(), '--name', 'renew', ...input)
  await oneMore()
  const told = 'Certificate re-issuance manually triggered (key seen in a log)'
  await world.until('the event with the reason', 10, async () =>
    (await world.events(namespace, 'Certificate', 'web')).some(
      ({ reason, message }) => reason === 'Issuing' && message === told,
    ),
  )
})

test('update renewNow, as an operator types it, answers with the attempt and makes one revision', async () => {
  const answer = await temporalCli(
    world,
    ...['workflow', 'update', 'execute', '--workflow-id', id(), '--name', 'renewNow', '--output', 'json'],
  )
  assert.match(answer, new RegExp(`"attempt": ?${revision + 1}\\b`))
  await oneMore()
})

test('a signal as tctl sends it, with no payload at all, makes one revision', async () => {
  await world.temporal.workflowService.signalWorkflowExecution({
    namespace: TEMPORAL_NAMESPACE,
    workflowExecution: { workflowId: id() },
    signalName: 'renew',
  })
  await oneMore()
})

const encoding = (name: string) => ({ encoding: Buffer.from(name) })
const garbage = [
  ['JSON that breaks off', { metadata: encoding('json/plain'), data: Buffer.from('{"reason": "half') }],
  ['bytes of no known encoding', { metadata: encoding('x/unheard-of'), data: Buffer.from([0xff, 0xfe, 0]) }],
  ['no encoding', { metadata: {}, data: Buffer.from('renew please') }],
  ['a list of numbers', { metadata: encoding('json/plain'), data: Buffer.from('[1, 2, {"reason": 7}]') }],
] as const
for (const [what, payload] of garbage) {
  test(`a signal renew that carries ${what} makes one revision and breaks nothing`, async () => {
    await world.temporal.workflowService.signalWorkflowExecution({
      namespace: TEMPORAL_NAMESPACE,
      workflowExecution: { workflowId: id() },
      signalName: 'renew',
      input: { payloads: [payload] },
    })
    await oneMore()
  })
}

test('Issuing=True, as cmctl renew sets it, makes one revision', async () => {
  await world.cmctlRenew(namespace, 'web')
  await oneMore()
})

test('two wishes at once are answered by one attempt or by one each, and then it is quiet', async () => {
  await Promise.all([world.cmctlRenew(namespace, 'web'), world.cmctlRenew(namespace, 'web')])
  await world.ready(namespace, 'web')
  await quiet(world, namespace, 'web')
  const certificate = await world.ready(namespace, 'web')
  const made = (certificate.status?.revision ?? 0) - revision
  assert.ok(made === 1 || made === 2, `${made} revisions`)
  revision += made
})

test('Issuing=True that was set while the controller was down makes one revision when it is up again', async () => {
  await controller.stop()
  await world.cmctlRenew(namespace, 'web')
  controller = await world.startController()
  await oneMore()
})

test('every revision was one request, and no workflow task failed on the way', async () => {
  const made = requests.created().filter((name) => name.startsWith('web-'))
  assert.deepEqual(
    made,
    Array.from({ length: revision }, (_, at) => `web-${at + 1}`),
  )
  requests.stop()
  const counts = await eventCounts(world, id())
  assert.equal(counts.get('WORKFLOW_TASK_FAILED') ?? 0, 0)
})

test('a renewal that no window lets wait comes all the same, and a Warning says so', async () => {
  const wish = { dnsNames: ['windows.test'], issuerRef: { name: 'self' } }
  await world.certificate(namespace, 'windows', wish)
  await world.ready(namespace, 'windows', { revision: 1 })
  // Due at once, and the thirtieth of February never comes.
  const renewal = { policy: 'RenewBefore', windows: [{ cron: '0 0 30 2 *', windowDuration: '1h' }] }
  await world.certificate(namespace, 'windows', { ...wish, renewBefore: '2159h59m59s', renewal })
  const told = await world.until('the warning', 20, async () =>
    (await world.events(namespace, 'Certificate', 'windows')).find(({ type }) => type === 'Warning'),
  )
  assert.equal(told.reason, 'WindowError')
  assert.match(told.message ?? '', /^Renewing certificate without satisfying renewal windows due to /)
  await world.remove('Certificate', namespace, 'windows')
})

/** Waits for the next revision, then proves that no second one follows. */
async function oneMore(): Promise<Certificate> {
  revision += 1
  await world.ready(namespace, 'web', { revision, seconds: 20 })
  await untilPhase(world, namespace, 'web', 'Waiting')
  await quiet(world, namespace, 'web')
  const certificate = await world.ready(namespace, 'web')
  assert.equal(certificate.status?.revision, revision)
  return certificate
}

function id(): string {
  return certificateId(namespace, 'web')
}
