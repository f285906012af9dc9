import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { startServers } from '../../../tools/servers/servers.ts'
import type { Certificate } from '../../../k8s-bridge/api/certificate.ts'
import { setup } from '../../../cli/setup/setup.ts'
import { TEMPORAL_NAMESPACE, World } from '../support/world.ts'
import type { Controller } from '../support/controller.ts'
import {
  cleanedUp,
  clusterIssuer,
  openSite,
  orders,
  txtRecords,
  throwWithWorkflow,
} from './support/acme-world.ts'

/** How soon a person must hear of an outage, and how soon its end must show, in seconds: both are promised. */
const HEAR = 5
const MENDED = 30

let world: World
let controller: Controller
before(async () => {
  world = await World.open()
  controller = await world.startController()
})
after(() => world.close())

test(`while Temporal is down a Certificate says so within ${HEAR} s, and is Ready within ${MENDED} s of its return`, async () => {
  const { namespace, name, domain, proxy } = await openSite(world, 'temporal-down')
  const temporal = world.servers.process('temporal')
  try {
    await issuerReady(name)
    await temporal.kill()
    await world.certificate(namespace, 'web', { dnsNames: [domain], ...clusterIssuer(name) })
    const told = await world.until('the event', HEAR, async () =>
      (await world.events(namespace, 'Certificate', 'web')).find(
        ({ reason }) => reason === 'TemporalUnavailable',
      ),
    )
    assert.equal(told.type, 'Warning')
    assert.match(told.message, /Temporal cannot be reached.*Look at the Temporal server/)
    assert.equal(proxy.orders, 0)

    await temporal.start()
    const ready = await world.ready(namespace, 'web', { seconds: MENDED })
    assert.equal(ready.status?.failedIssuanceAttempts, undefined)
    assert.equal(proxy.orders, 1)
    const times = (await world.events(namespace, 'Certificate', 'web')).filter(
      ({ reason }) => reason === 'TemporalUnavailable',
    )
    assert.equal(times.length, 1)
  } finally {
    if (temporal.stopped) await temporal.start()
    await proxy.close()
  }
})

test(`a CA that forgot every account is registered with again: the next certificate is Ready within ${MENDED} s and nothing is counted`, async () => {
  const { namespace, name, domain, proxy } = await openSite(world, 'forgotten')
  const pebble = world.servers.process('pebble')
  try {
    await world.certificate(namespace, 'before', { dnsNames: [`before.${domain}`], ...clusterIssuer(name) })
    await world.ready(namespace, 'before')
    await pebble.kill()
    await world.certificate(namespace, 'web', { dnsNames: [domain], ...clusterIssuer(name) })
    await world.untilObject<Certificate>('Certificate', namespace, 'web', 'Stalled', (one) =>
      (one.status?.conditions ?? []).some(
        ({ type, reason }) => type === 'Stalled' && reason === 'CaUnreachable',
      ),
    )
    await pebble.start()
    const ready = await world.ready(namespace, 'web', { seconds: MENDED })
    assert.equal(ready.status?.failedIssuanceAttempts, undefined)
    assert.equal((await world.get<Certificate>('Certificate', namespace, 'before'))?.status?.revision, 1)
  } finally {
    if (pebble.stopped) await pebble.start()
    await proxy.close()
  }
})

test('an order in hand outlives the CA that forgot it: another one is made, and the record of the first is removed', async () => {
  const { namespace, plugin, name, domain, proxy } = await openSite(world, 'lost-order')
  const pebble = world.servers.process('pebble')
  try {
    await plugin.feel({ CREATE: { exit: 1 } })
    await world.certificate(namespace, 'web', { dnsNames: [domain], ...clusterIssuer(name) })
    await world.until('a call of the plugin', 20, async () => (await plugin.calls()).length > 0)
    await pebble.restart()
    await plugin.feel({})
    const ready = await world.ready(namespace, 'web', { seconds: 60 })
    assert.equal(ready.status?.failedIssuanceAttempts, undefined)
    await cleanedUp(world, namespace)
    assert.deepEqual(await txtRecords(world, `_acme-challenge.${domain}`), [])
  } finally {
    await proxy.close()
  }
})

test('when Temporal has lost everything, a new controller adopts the order in hand, removes its record and issues nothing again', async () => {
  const { namespace, plugin, name, domain, proxy } = await openSite(world, 'wiped')
  try {
    await world.certificate(namespace, 'done', { dnsNames: [`done.${domain}`], ...clusterIssuer(name) })
    const done = await world.ready(namespace, 'done')
    await plugin.feel({ CREATE: { hang: 'after' } })
    await world.certificate(namespace, 'web', { dnsNames: [domain], ...clusterIssuer(name) })
    const hanging = await world.until('a call that hangs', 20, async () =>
      (await plugin.calls()).find(({ hangs }) => hangs !== undefined),
    )
    assert.equal(proxy.orders, 2)
    const order = await world.until('the Order under way', 10, async () =>
      (await orders(world, namespace)).find(({ status }) => status?.state === 'pending'),
    )

    assert.equal((await txtRecords(world, `_acme-challenge.${domain}`)).length, 1)
    controller.kill()
    await controller.ended()
    process.kill(hanging.hangs ?? 0, 'SIGKILL')
    await world.servers.process('temporal').wipe()
    await setup({
      temporal: { address: world.servers.temporal.address, namespace: TEMPORAL_NAMESPACE },
      log: () => undefined,
    })
    await plugin.feel({})
    controller = await world.startController()
    await world.ready(namespace, 'web', { seconds: 60 })

    assert.equal(proxy.orders, 2)
    const [adopted] = (await orders(world, namespace)).filter(
      ({ metadata }) => metadata.name === order.metadata.name,
    )
    assert.equal(adopted?.status?.url, order.status?.url)
    assert.equal(adopted?.status?.state, 'valid')
    const after = await world.get<Certificate>('Certificate', namespace, 'done')
    assert.deepEqual([after?.status?.revision, after?.status?.notBefore], [1, done.status?.notBefore])
    await world.until(
      'the workflow of the other certificate',
      20,
      async () => (await world.openWorkflows(`certificate/${namespace}/done`)).length === 1,
    )
    await cleanedUp(world, namespace)
    assert.deepEqual(await txtRecords(world, `_acme-challenge.${domain}`), [])
    assert.equal((await world.get<Certificate>('Certificate', namespace, 'done'))?.status?.revision, 1)
  } finally {
    await proxy.close()
  }
})

test('a CA that refuses every other nonce and takes its time to validate still issues', async () => {
  const hostile = await startServers({
    dataDir: join(world.folder, 'hostile'),
    parts: ['pebble'],
    pebble: { nonceReject: 50, noSleep: false, dnsServer: world.servers.dns.resolver },
  })
  try {
    const { directoryUrl, caPem } = hostile.pebble
    const namespace = await world.namespace('hostile')
    const name = `hostile-${process.pid}`
    await world.fixturePlugin(name)
    await world.acmeIssuer(name, {
      plugin: name,
      server: directoryUrl,
      acme: { caBundle: Buffer.from(caPem).toString('base64') },
    })
    const names = [`${name}.example.com`, `*.${name}.example.com`, `other.${name}.example.org`]
    await world.certificate(namespace, 'web', { dnsNames: names, ...clusterIssuer(name) })
    const ready = await world
      .ready(namespace, 'web', { seconds: 60 })
      .catch((error: unknown) => throwWithWorkflow(world, `certificate/${namespace}/web`, error))
    assert.equal(ready.status?.failedIssuanceAttempts, undefined)
    assert.equal(ready.status?.revision, 1)
  } finally {
    await hostile.stop()
  }
})

function issuerReady(name: string): Promise<unknown> {
  return world.until(`ClusterIssuer ${name} Ready`, 20, async () => {
    const issuer = await world.get('ClusterIssuer', undefined, name)
    return issuer?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
  })
}
