import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { apiPath } from '../../../k8s-bridge/api/kinds.ts'
import { World, type AnyObject } from '../support/world.ts'
import {
  certificateId,
  eventCounts,
  issuerReady,
  quiet,
  selfSignedIssuer,
  temporarySecrets,
} from './support/operator.ts'
import { Recording } from './support/recording.ts'

let world: World
let namespace: string

before(async () => {
  world = await World.open()
  await world.startController('bridge')
  namespace = await world.namespace('crash')
})

after(() => world.close())

const rounds = 5
const perRound = 4

test('the worker is killed at any moment of an issuance: every certificate gets Ready, with one request and no key left', async () => {
  let worker = await world.startController('worker')
  await selfSignedIssuer(world, namespace)
  await world.certificate(namespace, 'root', { isCA: true, commonName: 'root', issuerRef: { name: 'self' } })
  await world.ready(namespace, 'root')
  await world.apply('Issuer', {
    metadata: { namespace, name: 'ca' },
    spec: { ca: { secretName: 'root-tls' } },
  })
  await issuerReady(world, namespace, 'ca')
  const requests = await Recording.start(world.kubernetes, apiPath('CertificateRequest', namespace))
  const secrets = await Recording.start(world.kubernetes, apiPath('Secret', namespace))

  const names: string[] = []
  const moments: number[] = []
  for (let round = 0; round < rounds; round++) {
    for (let at = 0; at < perRound; at++) names.push(`web-${round}-${at}`)
    const batch = names.slice(-perRound)
    await Promise.all(
      batch.map((name) =>
        world.certificate(namespace, name, { dnsNames: [`${name}.test`], issuerRef: { name: 'ca' } }),
      ),
    )
    // The first fact of the issuance, then anywhere in it: these delays are the test's subject, not a wait.
    const moment = Math.floor(Math.random() * 250)
    moments.push(moment)
    await delay(moment)
    worker.kill('SIGKILL')
    await worker.ended()
    worker = await world.startController('worker')
  }
  const when = `killed after ${moments.join(', ')} ms`
  for (const name of names) {
    await world.ready(namespace, name, { revision: 1, seconds: 40 }).catch((error: unknown) => {
      throw new Error(`${when}: ${(error as Error).message}`, { cause: error })
    })
  }
  for (const name of names) {
    assert.deepEqual(
      requests.created().filter((one) => one.startsWith(`${name}-`)),
      [`${name}-1`],
      when,
    )
  }
  await world.until(
    'no next key is left',
    10,
    async () => (await temporarySecrets(world, namespace)).length === 0,
  )
  // No second key was made for a request that had one.
  for (const name of names) {
    const keys = secrets.created().filter((one) => one.startsWith(`${name}-`) && one !== `${name}-tls`)
    assert.equal(keys.length, 1, `${name}, ${when}: ${keys.join(', ')}`)
  }
  await quiet(world, namespace, 'root')
  const { items } = await world.kubernetes.list<AnyObject>(apiPath('Certificate', namespace))
  for (const { metadata, status } of items) {
    assert.equal(status?.['revision'], 1, metadata.name)
    assert.equal(status?.['failedIssuanceAttempts'], undefined, metadata.name)
  }
  for (const recording of [requests, secrets]) recording.stop()
  // The kills did meet work that was under way.
  const retried = await Promise.all(names.map((name) => eventCounts(world, certificateId(namespace, name))))
  const interrupted = retried.filter((counts) => (counts.get('WORKFLOW_TASK_TIMED_OUT') ?? 0) > 0)
  assert.ok(interrupted.length > 0 || moments.every((moment) => moment > 200), when)
})
