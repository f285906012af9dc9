import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { apiPath } from '../../../k8s-bridge/api/kinds.ts'
import type { Controller } from '../support/controller.ts'
import { World } from '../support/world.ts'
import {
  certificateId,
  quiet,
  runsOf,
  selfSignedIssuer,
  temporarySecrets,
  untilPhase,
} from './support/operator.ts'
import { Recording } from './support/recording.ts'

let world: World
let controller: Controller
let namespace: string

before(async () => {
  world = await World.open()
  controller = await world.startController()
  namespace = await world.namespace('outage')
  await selfSignedIssuer(world, namespace)
  for (const name of ['quiet', 'other']) await certificate(name)
  for (const name of ['quiet', 'other']) await world.ready(namespace, name)
  await quiet(world, namespace, 'quiet')
})

after(async () => {
  for (const name of ['temporal', 'kube-apiserver'] as const) {
    const server = world.servers.process(name)
    if ((await server.status()).stopped) await server.start()
  }
  await world.close()
})

test('Temporal is away when a Certificate is applied: one Warning event within 5 s, and Ready soon after it is back', async () => {
  const events = await Recording.start(world.kubernetes, apiPath('Event', namespace))
  await world.servers.process('temporal').kill()
  await certificate('fresh')
  // The bound is the promise.
  await events.until('the warning', (one) => isWarning(one, 'fresh'), 5)
  // What needs no Temporal goes on meanwhile, and does not make the bridge believe that the outage is over.
  await world.kubernetes.merge(apiPath('Certificate', namespace, 'quiet'), {
    metadata: { labels: { a: 'b' } },
  })
  await certificate('another')
  await events.until('the warning of another', (one) => isWarning(one, 'another'), 10)
  await certificate('fresh', { secretTemplate: { labels: { team: 'shop' } } })
  await certificate('third')
  await events.until('the warning of the third', (one) => isWarning(one, 'third'), 10)
  await world.servers.process('temporal').start()
  for (const name of ['fresh', 'another', 'third'])
    await world.ready(namespace, name, { revision: 1, seconds: 30 })
  events.stop()
  for (const name of ['fresh', 'another', 'third']) {
    assert.equal(events.seen.filter(({ object }) => isWarning(object, name)).length, 1, name)
  }
  assert.equal(events.seen.filter(({ object }) => isWarning(object, 'quiet')).length, 0)
})

test('a controller that starts while Temporal is away warns only where somebody waits, and goes on when it is back', async () => {
  await controller.stop()
  await world.servers.process('temporal').kill()
  const events = await Recording.start(world.kubernetes, apiPath('Event', namespace))
  await certificate('late')
  await world.cmctlRenew(namespace, 'other')
  controller = await world.startController('bridge')
  await events.until('the warning', (one) => isWarning(one, 'late'), 15)
  await events.until('the warning of a renewal', (one) => isWarning(one, 'other'), 15)
  await controller.stop()
  await world.servers.process('temporal').start()
  controller = await world.startController()
  await world.ready(namespace, 'late', { revision: 1, seconds: 30 })
  await world.ready(namespace, 'other', { revision: 2, seconds: 30 })
  events.stop()
  const warned = events.seen.filter(({ object }) => reasonOf(object) === 'TemporalUnavailable')
  assert.deepEqual(warned.map(({ object }) => subjectOf(object)).sort(), ['late', 'other'])
})

test('the API server is killed in the middle of issuances: all are finished, once, and nothing else is issued', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  for (const name of names) await certificate(name, { privateKey: { algorithm: 'RSA', size: 2048 } })
  await world.servers.process('kube-apiserver').kill()
  await world.servers.process('kube-apiserver').start()
  for (const name of names) await world.ready(namespace, name, { revision: 1, seconds: 40 })
  await quiet(world, namespace, 'a')
  for (const name of names) {
    await untilPhase(world, namespace, name, 'Waiting')
    assert.equal((await runsOf(world, certificateId(namespace, name))).length, 1)
  }
  const { items } = await world.kubernetes.list<{ metadata: { name: string } }>(
    apiPath('CertificateRequest', namespace),
  )
  const made = items.map(({ metadata }) => metadata.name).filter((name) => !name.startsWith('sentinel'))
  const expected = [...names, 'quiet', 'fresh', 'another', 'third', 'late'].map((name) => `${name}-1`)
  assert.deepEqual(made.sort(), [...expected, 'other-2'].sort())
  assert.deepEqual(await temporarySecrets(world, namespace), [])
})

function certificate(name: string, spec: object = {}): Promise<unknown> {
  return world.certificate(namespace, name, {
    dnsNames: [`${name}.test`],
    issuerRef: { name: 'self' },
    ...spec,
  })
}

function reasonOf(event: unknown): string {
  return (event as { reason: string }).reason
}

function subjectOf(event: unknown): string {
  return (event as { involvedObject: { name: string } }).involvedObject.name
}

function isWarning(event: unknown, name: string): boolean {
  return reasonOf(event) === 'TemporalUnavailable' && subjectOf(event) === name
}
