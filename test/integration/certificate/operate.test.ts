import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { parseCertificate } from '../../../activities/clients/x509.ts'
import { apiPath } from '../../../k8s-bridge/api/kinds.ts'
import type { Controller } from '../support/controller.ts'
import { condition, World } from '../support/world.ts'
import {
  certificateId,
  quiet,
  runsOf,
  selfSignedIssuer,
  temporalCli,
  untilPhase,
} from './support/operator.ts'
import { Recording } from './support/recording.ts'

// Bridge and worker are two processes here, as in production.
let world: World
let namespace: string
let requests: Recording
let bridge: Controller

before(async () => {
  world = await World.open()
  ;[bridge] = await Promise.all([world.startController('bridge'), world.startController('worker')])
  namespace = await world.namespace('operate')
  await selfSignedIssuer(world, namespace)
  requests = await Recording.start(world.kubernetes, apiPath('CertificateRequest', namespace))
})

after(() => world.close())

test('the annotation pauses a certificate and its removal sets it going again', async () => {
  await issued('annotated')
  await annotate('annotated', { 'certloom.dev/paused': 'true' })
  await untilPhase(world, namespace, 'annotated', 'Paused')
  await world.remove('Secret', namespace, 'annotated-tls')
  await world.cmctlRenew(namespace, 'annotated')
  await quiet(world, namespace, 'annotated', { phase: 'Paused' })
  assert.deepEqual(made('annotated'), ['annotated-1'])
  assert.equal(await world.get('Secret', namespace, 'annotated-tls'), undefined)
  await annotate('annotated', { 'certloom.dev/paused': null })
  await world.ready(namespace, 'annotated', { revision: 2, seconds: 10 })
})

test('a certificate that is applied with the annotation is not issued', async () => {
  await world.apply('Certificate', {
    metadata: { namespace, name: 'held', annotations: { 'certloom.dev/paused': 'true' } },
    spec: { secretName: 'held-tls', dnsNames: ['held.test'], issuerRef: { name: 'self' } },
  })
  await untilPhase(world, namespace, 'held', 'Paused')
  await quiet(world, namespace, 'held', { phase: 'Paused' })
  assert.deepEqual(made('held'), [])
})

test('update setPaused, as an operator types it, refuses what makes no sense and pauses what does', async () => {
  await issued('updated')
  const update = (name: string, ...more: string[]) =>
    temporalCli(
      world,
      'workflow',
      'update',
      'execute',
      '--workflow-id',
      id('updated'),
      '--name',
      name,
      ...more,
    )
  await update('setPaused', '--input', '{"on": true}')
  await untilPhase(world, namespace, 'updated', 'Paused')
  await assert.rejects(update('renewNow'), /paused/)
  await update('setPaused', '--input', '{"on": false}')
  await untilPhase(world, namespace, 'updated', 'Waiting')
  await update('renewNow')
  await world.ready(namespace, 'updated', { revision: 2, seconds: 10 })
})

test('a Certificate made anew under its old name adopts the Secret that fits, without a request', async () => {
  await issued('again')
  const first = await world.ready(namespace, 'again')
  const before = await crt('again')
  await world.remove('Certificate', namespace, 'again')
  await world.until(
    'the first life is over',
    15,
    async () => (await runsOf(world, id('again')))[0]?.status === 'COMPLETED',
  )
  await apply('again')
  const second = await world.ready(namespace, 'again', { seconds: 10 })
  assert.notEqual(second.metadata.uid, first.metadata.uid)
  await quiet(world, namespace, 'again')
  assert.equal(await crt('again'), before)
  assert.deepEqual(made('again'), ['again-1'])
  const { status } = await world.ready(namespace, 'again')
  assert.equal(status?.renewalTime, first.status?.renewalTime)
  assert.equal(status?.revision, undefined)
})

test('the first issuance of a new incarnation is revision 1 again', async () => {
  await world.remove('Secret', namespace, 'again-tls')
  await world.ready(namespace, 'again', { revision: 1, seconds: 10 })
})

test('deleted and made anew at once, with other names: the new object gets what it asks for', async () => {
  await issued('swap')
  await world.remove('Certificate', namespace, 'swap')
  await apply('swap', ['other.test'])
  await world.until(
    'other names',
    15,
    async () => parseCertificate(await crt('swap')).dnsNames[0] === 'other.test',
  )
  await world.ready(namespace, 'swap', { revision: 1 })
})

describe('with an audit every second', () => {
  before(async () => {
    // Until here everything was noticed by watching: no audit could have found it.
    await bridge.stop()
    bridge = await world.startController('bridge', { CERTLOOM_AUDIT_INTERVAL_MS: '1000' })
  })

  test('a workflow that was terminated is there again at the next audit and issues nothing', async () => {
    await issued('ended')
    const before = await crt('ended')
    await temporalCli(world, 'workflow', 'terminate', '--workflow-id', id('ended'), '--reason', 'test')
    await world.until('a new run', 20, async () => {
      const [newest] = await runsOf(world, id('ended'))
      return newest?.status === 'RUNNING'
    })
    await untilPhase(world, namespace, 'ended', 'Waiting')
    await quiet(world, namespace, 'ended')
    assert.equal(await crt('ended'), before)
    assert.deepEqual(made('ended'), ['ended-1'])
    // And it is in charge: a wish is heard.
    await temporalCli(world, 'workflow', 'signal', '--workflow-id', id('ended'), '--name', 'renew')
    await world.ready(namespace, 'ended', { revision: 2, seconds: 10 })
  })

  test('a workflow that was deleted from Temporal is there again at the next audit and issues nothing', async () => {
    await issued('erased')
    await temporalCli(world, 'workflow', 'delete', '--workflow-id', id('erased'), '--yes')
    await world.until('a new run', 10, async () =>
      (await runsOf(world, id('erased'))).some(({ status }) => status === 'RUNNING'),
    )
    await untilPhase(world, namespace, 'erased', 'Waiting')
    await quiet(world, namespace, 'erased')
    assert.deepEqual(made('erased'), ['erased-1'])
  })

  test('cancel while it waits loses nothing: the next run waits on, and issues when asked', async () => {
    await issued('waits')
    const before = await runsOf(world, id('waits'))
    await temporalCli(world, 'workflow', 'cancel', '--workflow-id', id('waits'))
    await world.until('a next run', 10, async () => {
      const runs = await runsOf(world, id('waits'))
      return runs.length === before.length + 1 && runs[0]?.status === 'RUNNING'
    })
    await quiet(world, namespace, 'waits')
    assert.deepEqual(made('waits'), ['waits-1'])
    assert.equal(condition(await world.ready(namespace, 'waits'), 'Ready')?.status, 'True')
    await temporalCli(world, 'workflow', 'signal', '--workflow-id', id('waits'), '--name', 'renew')
    await world.ready(namespace, 'waits', { revision: 2, seconds: 10 })
  })

  test('refresh makes a quiet run continue as new, with the same facts and no issuance', async () => {
    await issued('fresh')
    await temporalCli(world, 'workflow', 'signal', '--workflow-id', id('fresh'), '--name', 'refresh')
    await world.until('a next run', 10, async () => (await runsOf(world, id('fresh'))).length === 2)
    await quiet(world, namespace, 'fresh')
    assert.deepEqual(made('fresh'), ['fresh-1'])
    requests.stop()
  })
})

async function issued(name: string): Promise<void> {
  await apply(name)
  await world.ready(namespace, name, { revision: 1 })
  await untilPhase(world, namespace, name, 'Waiting')
}

function apply(name: string, dnsNames = [`${name}.test`]): Promise<unknown> {
  return world.certificate(namespace, name, { dnsNames, issuerRef: { name: 'self' } })
}

function annotate(name: string, annotations: Record<string, string | null>): Promise<unknown> {
  return world.kubernetes.merge(apiPath('Certificate', namespace, name), { metadata: { annotations } })
}

function made(name: string): string[] {
  return requests.created().filter((one) => one.startsWith(`${name}-`))
}

function id(name: string): string {
  return certificateId(namespace, name)
}

async function crt(name: string): Promise<string> {
  const secret = await world.get('Secret', namespace, `${name}-tls`)
  return Buffer.from(secret?.data?.['tls.crt'] ?? '', 'base64').toString()
}
