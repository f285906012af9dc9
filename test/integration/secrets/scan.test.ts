import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { apiPath } from '../../../k8s-bridge/api/kinds.ts'
import { choosePorts } from '../../../tools/servers/ports.ts'
import { startServers, type LocalServers } from '../../../tools/servers/servers.ts'
import { renewSignal } from '../../../workflows/messages.ts'
import { condition, World } from '../support/world.ts'
import type { Certificate } from '../../../k8s-bridge/api/certificate.ts'
import { certificateId } from '../certificate/support/operator.ts'
import { Marks } from './support/marks.ts'
import {
  acmeLogs,
  controllerLogs,
  database,
  descriptions,
  dnsLogs,
  files,
  histories,
  metrics,
  objects,
  processes,
  search,
  serverLogs,
  table,
  words,
  type Place,
} from './support/places.ts'
import { carelessWays, pasted, Scenario } from './support/scenario.ts'
import { KeyWatch } from './support/secret-watch.ts'

/** How many certificates are issued in all; CERTLOOM_SCAN_ISSUANCES overrides it. */
const ISSUANCES = Number(process.env['CERTLOOM_SCAN_ISSUANCES'] ?? 200)
const ACME = 8
const SELF_SIGNED = 6
const RSA = 6
const RENEWED = Math.floor(ISSUANCES / 10)
const EAB_KEY_ID = 'scan'

const marks = new Marks()
const eab = { keyId: EAB_KEY_ID, key: '' }
/** What an operator put into the environment of the controllers stands there, and nowhere else. */
const ENVIRONMENT = 'secret in the environment of the worker'
const CONTROLLERS = 'environment and command line of controllers'
let world: World
let watch: KeyWatch
let scenario: Scenario
let pebble: LocalServers
let places: Place[]
let workflow: string
/** Names the issuer whose plugin works. */
let acme: object

before(async () => {
  world = await World.open()
  scenario = await Scenario.open(world, marks)
  world.defer(() => scenario.close())
  watch = await KeyWatch.start(world, marks, scenario.namespace)
  world.defer(() => watch.stop())
  eab.key = scenario.eabKey()
  pebble = await startServers({
    dataDir: join(world.folder, 'pebble-eab'),
    parts: ['pebble'],
    pebble: {
      dnsServer: world.servers.dns.resolver,
      externalAccountBindingRequired: true,
      externalAccountMACKeys: { [EAB_KEY_ID]: eab.key },
    },
  })
  world.defer(() => pebble.stop())
})

after(() => world.close())

test(`${ISSUANCES} issuances with failures, renewals, deletions and killed workers leave no secret anywhere`, async () => {
  const { namespace } = scenario
  const ports = await choosePorts({ bridge: {}, worker: {} })
  const address = (role: 'bridge' | 'worker') => `127.0.0.1:${ports[role]}`
  const settings = {
    CERTLOOM_METRICS_ADDRESS: address('worker'),
    SCAN_CLOUD_SECRET: scenario.token(ENVIRONMENT),
  }
  const bridge = await world.startController('bridge', { CERTLOOM_METRICS_ADDRESS: address('bridge') })
  let worker = await world.startController('worker', settings)
  const pids = () => [bridge.pid, worker.pid]
  places = [
    histories(world),
    descriptions(world),
    database(world),
    controllerLogs(world),
    serverLogs(world),
    dnsLogs(world),
    acmeLogs([world.servers, pebble]),
    metrics('bridge', () => `http://${address('bridge')}/metrics`),
    metrics('worker', () => `http://${address('worker')}/metrics`),
    metrics('Temporal', () => world.servers.temporal.metricsUrl),
    objects(world),
    processes(CONTROLLERS, pids),
    files('environment and command line of plugins', async () => [scenario.seenFile]),
  ]
  const crash = async () => {
    worker.kill('SIGKILL')
    await worker.ended()
    worker = await world.startController('worker', settings)
  }
  await scenario.selfSignedAndCa()
  const good = await scenario.acme(pebble, eab)
  await scenario.brokenIssuers(pebble, EAB_KEY_ID)

  // CAs that repeat the key of the external account binding.
  const tattling = await scenario.tattlingCas(pebble, eab)
  await scenario.certificate('tattled', { issuerRef: { kind: 'ClusterIssuer', name: tattling } })
  await said('tattled', 'Issuing', 'Failed')

  // Plugins that tell their secret to the world.
  await Promise.all(
    carelessWays.map(async (way) => {
      const name = await scenario.acme(pebble, eab, way)
      await scenario.certificate(`careless-${way}`, { issuerRef: { kind: 'ClusterIssuer', name } })
    }),
  )
  // Issue, in one burst, with a kill in the middle of it.
  const plain = ISSUANCES - RENEWED - ACME - SELF_SIGNED - RSA - 1
  acme = { issuerRef: { kind: 'ClusterIssuer', name: good } }
  const rsa = { privateKey: { algorithm: 'RSA', size: 2048 } }
  const all = [
    ...Array.from({ length: ACME }, (_, at) => [`acme-${at}`, acme] as const),
    ...Array.from(
      { length: SELF_SIGNED },
      (_, at) => [`self-${at}`, { issuerRef: { name: 'self' } }] as const,
    ),
    ...Array.from({ length: RSA }, (_, at) => [`rsa-${at}`, rsa] as const),
    ...Array.from({ length: plain }, (_, at) => [`ca-${at}`, {}] as const),
  ]
  await Promise.all(all.map(([name, spec]) => scenario.certificate(name, spec)))
  await untilReady(Math.floor(plain / 3))
  await crash()
  await untilReady(Math.floor((2 * plain) / 3))
  await crash()
  await untilReady(all.length + 1)

  for (const way of carelessWays) await said(`careless-${way}`, 'Stalled', 'PluginFailed')

  // By now no process remembers the key from the registration of the account.
  await scenario.certificate('tattled-later', { issuerRef: { kind: 'ClusterIssuer', name: tattling } })
  await said('tattled-later', 'Issuing', 'Failed')
  await scenario.pasted()
  await said('pasted', 'Stalled', 'InvalidSpec')

  // Renew.
  for (let at = 0; at < RENEWED; at++)
    await world.temporal.workflow
      .getHandle(certificateId(namespace, `ca-${at}`))
      .signal(renewSignal, { v: 1, reason: 'the scan renews' })
  await world.until('renewed', 120, async () => scenario.told().revisions >= all.length + 1 + RENEWED)

  // Delete, one that is still waiting for its plugin among them.
  const deleted = ['acme-0', 'ca-0', 'ca-1', 'rsa-0', 'careless-raw']
  for (const name of deleted) await world.remove('Certificate', namespace, name)
  await world.until('workflows of deleted Certificates end', 60, async () => {
    const open = await world.openWorkflows(certificateId(namespace, ''))
    return !open.some((id) => deleted.some((name) => id === certificateId(namespace, name)))
  })

  await watch.stop()
  workflow = certificateId(namespace, 'ca-5')
  const leaves = watch.leaves()
  const issuances = leaves.length
  assert.ok(issuances >= ISSUANCES, `${issuances} issuances`)
  // Every key was seen, and is searched for.
  assert.deepEqual(
    leaves.filter(({ hasMarkedKey }) => !hasMarkedKey),
    [],
  )
  const searched = await search(marks, places)
  console.log(
    `${issuances} issuances, ${marks.secrets.size} secrets in ${marks.needles} forms\n${table(searched)}`,
  )
  for (const { name, bytes, parts } of searched)
    assert.ok(bytes > 0 && parts > 0, `nothing was found in ${name}`)
  const found = words(searched)
  const given = `${CONTROLLERS}: ${worker.pid} environ: ${ENVIRONMENT} (raw)`
  const inTheObject = (hit: string) => hit.startsWith(`objects and events: Certificate pasted: ${pasted}`)
  const leaked = found.filter((hit) => hit !== given && !inTheObject(hit))
  // For `npm run test:guards`.
  const results = process.env['CERTLOOM_SCAN_RESULTS']
  if (results !== undefined) await writeFile(results, JSON.stringify(leaked))
  assert.deepEqual(leaked, [])
  assert.ok(found.includes(given) && found.some(inTheObject), 'what was put in plain sight is not found')
})

test('the scan is not blind: a secret that is planted in a place is found there', async () => {
  const token = `planted${randomBytes(24).toString('hex')}`
  const planted = new Marks()
  planted.add('planted', token)
  const base64 = Buffer.from(`x${token}`).toString('base64')
  const { namespace } = scenario

  await world.temporal.workflow.getHandle(workflow).signal(renewSignal, { v: 1, reason: `by ${token}` })
  const foreign = await world.temporal.workflow.start('nobody', {
    workflowId: `planted-${process.pid}`,
    // Temporal counts by queue, and writes an underscore for any other sign.
    taskQueue: token,
    memo: { token },
  })
  const involvedObject = { kind: 'Certificate', namespace, name: 'ca-5', apiVersion: 'cert-manager.io/v1' }
  await world.create('Event', {
    metadata: { namespace, name: 'planted' },
    involvedObject,
    reason: 'Planted',
    message: base64,
    type: 'Normal',
    source: {},
  })
  await world.kubernetes.merge(apiPath('Certificate', namespace, 'ca-6'), {
    metadata: { annotations: { planted: Buffer.from(token).toString('hex') } },
  })
  await appendFile(join(world.logs, 'planted.log'), `{"msg":"${token}"}\n`)
  await appendFile(scenario.seenFile, `${JSON.stringify({ environ: `TOKEN=${token}` })}\n`)
  const child = spawn('sleep', ['60'], { env: { PATH: '/usr/bin:/bin', TOKEN: base64 } })
  // The bridge counts certificates by name, the worker answers of CAs by host; Pebble and the DNS servers tell names.
  const host = `${token}.example.com`
  await world.acmeIssuer(token, { server: `https://${host}/dir` })
  await scenario.certificate(token, { dnsNames: [host], ...acme })
  await world.ready(namespace, token, { seconds: 60 })
  const workflows = [workflow, foreign.workflowId]
  const ofFew = [histories(world, workflows), descriptions(world, workflows)]
  const others = [CONTROLLERS, ...ofFew.map(({ name }) => name)]
  let blind = [
    ...ofFew,
    ...places.filter(({ name }) => !others.includes(name)),
    processes('environment of a child', () => [child.pid ?? 0]),
  ]
  try {
    await world.until('found in every place', 60, async () => {
      const searched = await search(planted, blind)
      blind = blind.filter((_, at) => searched[at]?.hits.length === 0)
      return blind.length === 0
    })
  } catch (error) {
    throw new Error(`not found in: ${blind.map(({ name }) => name).join('; ')}`, { cause: error })
  } finally {
    child.kill('SIGKILL')
    await foreign.terminate('the test is over')
  }
})

function untilReady(count: number): Promise<unknown> {
  return world.until(`${count} certificates are Ready`, 240, async () => scenario.told().ready >= count)
}

function said(name: string, type: string, reason: string): Promise<unknown> {
  return world.untilObject<Certificate>(
    'Certificate',
    scenario.namespace,
    name,
    `${type} ${reason}`,
    (one) => condition(one, type)?.reason === reason,
    60,
  )
}
