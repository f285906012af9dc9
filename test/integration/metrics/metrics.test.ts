import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { choosePorts } from '../../../tools/servers/ports.ts'
import type { Controller } from '../support/controller.ts'
import { World } from '../support/world.ts'
import { clusterIssuer, openSite, type AcmeSite } from '../acme/support/acme-world.ts'
import { selfSignedIssuer } from '../certificate/support/operator.ts'
import { ForeignHolder } from '../support/foreign-holder.ts'
import { ask, Scrape } from './support/scrape.ts'

let world: World
let controller: Controller
let site: AcmeSite
let namespace: string
/** One address for both: what a small cluster does. */
let address: string
let settings: Record<string, string>

before(async () => {
  world = await World.open()
  world.defer(async () => {
    for (const name of ['temporal', 'kube-apiserver'] as const) {
      const server = world.servers.process(name)
      if ((await server.status()).stopped) await server.start()
    }
  })
  const { both } = await choosePorts({ both: {} })
  address = `127.0.0.1:${both}`
  settings = { CERTLOOM_METRICS_ADDRESS: address, CERTLOOM_HEALTH_ADDRESS: address }
  controller = await world.startController('all', settings)
  site = await openSite(world, 'metrics')
  world.defer(() => site.proxy.close())
  namespace = site.namespace
  await selfSignedIssuer(world, namespace)
})

after(() => world.close())

test('ready means that everything works: each check is named, and can be asked for alone', async () => {
  await readiness(200)
  const { text } = await ask(address, '/readyz?verbose')
  for (const check of ['api-server', 'informers', 'lease', 'comparison', 'temporal', 'worker'])
    assert.ok(text.includes(`[+]${check} ok\n`), text)
  assert.match(text, /readyz check passed\n$/)
  assert.deepEqual(await ask(address, '/readyz/informers'), { status: 200, text: 'ok\n' })
  assert.equal((await ask(address, '/readyz/unheard-of')).status, 404)
  assert.equal(
    (await ask(address, '/livez?verbose')).text,
    '[+]ping ok\n[+]informer-loops ok\nlivez check passed\n',
  )
  assert.equal((await ask(address, '/metrics', 'POST')).status, 405)
})

test('an issuance shows in the metrics of its certificate, its steps, the CA and Temporal; a failing one with its code', async () => {
  const name = 'web'
  await world.certificate(namespace, name, { dnsNames: [site.domain], ...clusterIssuer(site.name) })
  const ready = await world.ready(namespace, name)
  await world.certificate(namespace, 'stuck', { dnsNames: ['stuck.test'], issuerRef: { name: 'nobody' } })
  const scrape = await world.until('the stuck certificate', 20, async () => {
    const seen = await Scrape.of(address)
    const blocked = seen.value('certloom_certificates', { state: 'Blocked', code: 'IssuerNotFound' }) ?? 0
    const own = seen.value('certmanager_certificate_ready_status', { name, namespace, condition: 'True' })
    return blocked >= 1 && own === 1 ? seen : undefined
  })
  const times = { name, namespace, issuer_name: site.name, issuer_kind: 'ClusterIssuer' }
  assert.equal(
    scrape.value('certmanager_certificate_expiration_timestamp_seconds', times),
    Date.parse(ready.status?.notAfter ?? '') / 1000,
  )
  assert.equal(
    scrape.value('certmanager_certificate_renewal_timestamp_seconds', times),
    Date.parse(ready.status?.renewalTime ?? '') / 1000,
  )
  assert.equal(
    scrape.value('certmanager_clusterissuer_ready_status', { name: site.name, condition: 'True' }),
    1,
  )

  const { host } = new URL(site.proxy.directoryUrl)
  const orders = { scheme: 'https', host, action: 'create_order', method: 'POST', status: '201' }
  assert.equal(scrape.value('certmanager_http_acme_client_request_count', orders), 1)
  assert.equal(scrape.value('certmanager_http_acme_client_request_duration_seconds_count', orders), 1)
  assert.equal(scrape.types.get('certmanager_http_acme_client_request_duration_seconds'), 'summary')

  const done = { issuer_type: 'acme', outcome: 'done' }
  const steps = ['prepare', 'createOrder', 'presentChallenge', 'answerChallenge', 'finalizeAndPublish']
  await counted(
    ...steps.map((step): Wanted => ['certloom_step_duration_seconds_count', { step, ...done }]),
    ['certloom_issuance_duration_seconds_count', { issuer_type: 'acme', outcome: 'issued' }],
    ['certloom_step_failures_total', { code: 'IssuerNotFound', kind: 'blocked' }],
  )
  assert.ok((scrape.value('certloom_doorbells_total', { kind: 'Certificate', result: 'rung' }) ?? 0) >= 2)
  assert.equal(scrape.value('certloom_lease_holder'), 1)
  assert.ok((scrape.value('temporal_request_latency_seconds_count') ?? 0) > 0)
  assert.ok((scrape.value('process_cpu_seconds_total') ?? 0) > 0)
})

test('every line of a step names certificate, workflow, run, step and try', async () => {
  const lines = (await controller.log())
    .split('\n')
    .filter((line) => line.includes('"activityType"') && line.includes(`"certificate":"${namespace}/web"`))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.ok(lines.length >= 5)
  for (const line of lines) {
    assert.match(String(line['workflowId']), new RegExp(`^certificate/${namespace}/web$`))
    for (const field of ['runId', 'activityType', 'activityId', 'attempt']) assert.ok(line[field], field)
  }
})

test('what is deleted has no series any more', async () => {
  await world.remove('Certificate', namespace, 'stuck')
  await world.until('no series', 20, async () => {
    const scrape = await Scrape.of(address)
    const left = scrape.series.filter(
      ({ labels }) => labels['namespace'] === namespace && labels['name'] === 'stuck',
    )
    return left.length === 0
  })
})

test('while Temporal is away the worker is not ready, a bridge is and says so, and the metrics go on', async () => {
  const { alone } = await choosePorts({ alone: {} })
  const bridgeAddress = `127.0.0.1:${alone}`
  const bridge = await world.startController('bridge', { CERTLOOM_HEALTH_ADDRESS: bridgeAddress })
  const temporal = world.servers.process('temporal')
  await temporal.kill()
  try {
    const down = await readiness(503)
    assert.match(down, /\[-\]temporal failed: /)
    assert.match(down, /\[\+\]informers ok/)
    await world.certificate(namespace, 'later', { dnsNames: ['later.test'], issuerRef: { name: 'self' } })
    await world.until('the new certificate in the metrics', 20, async () => {
      const labels = { name: 'later', namespace, condition: 'Unknown' }
      return (await Scrape.of(address)).value('certmanager_certificate_ready_status', labels) === 1
    })
    const told = await world.until('the word of the bridge', 20, async () => {
      const { status, text } = await ask(bridgeAddress, '/readyz?verbose')
      return text.includes('[-]temporal failed') ? { status, text } : undefined
    })
    assert.equal(told.status, 200)
    assert.match(told.text, /\(shown only\)\n/)
    assert.equal((await ask(address, '/healthz')).status, 200)
  } finally {
    await temporal.start()
  }
  await readiness(200)
  await bridge.stop()
  await world.ready(namespace, 'later')
})

test('without an API server nothing is ready, but alive: a restart would not help', async () => {
  const server = world.servers.process('kube-apiserver')
  await server.kill()
  try {
    assert.match(await readiness(503), /\[-\]api-server failed/)
    assert.equal((await ask(address, '/livez')).status, 200)
  } finally {
    await server.start()
  }
  await readiness(200)
})

test('a process that waits for the Lease is ready, and serves what it sees', async () => {
  await controller.stop()
  const foreign = await ForeignHolder.start(world)
  controller = await world.startWaiting('all', settings)
  await readiness(200)
  const scrape = await Scrape.of(address)
  assert.equal(scrape.value('certloom_lease_holder'), 0)
  assert.equal(scrape.value('certloom_worker_polling'), 0)
  const labels = { name: 'web', namespace, condition: 'True' }
  assert.equal(scrape.value('certmanager_certificate_ready_status', labels), 1)
  await foreign.stop()
})

type Wanted = [name: string, labels: Record<string, string>]

/** Waits until each of these has counted: the end of a step comes after what it wrote can be seen. */
async function counted(...wanted: Wanted[]): Promise<void> {
  let missing = wanted
  await world
    .until('what is counted', 20, async () => {
      const scrape = await Scrape.of(address)
      missing = missing.filter(([name, labels]) => !((scrape.value(name, labels) ?? 0) >= 1))
      return missing.length === 0
    })
    .catch((error: unknown) => {
      throw new Error(`never counted: ${JSON.stringify(missing)}`, { cause: error })
    })
}

/** Waits until /readyz answers so; returns what it says in full. */
async function readiness(status: number): Promise<string> {
  let last: unknown
  return world
    .until(`/readyz ${status}`, 60, async () => {
      last = await ask(address, '/readyz?verbose')
      return (last as { status: number }).status === status ? (last as { text: string }).text : undefined
    })
    .catch((error: unknown) => {
      throw new Error(`last answer: ${JSON.stringify(last)}`, { cause: error })
    })
}
