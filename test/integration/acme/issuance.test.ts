import { after, before, describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Certificate } from '../../../k8s-bridge/api/certificate.ts'
import { changedSignal } from '../../../workflows/messages.ts'
import { installPlugin } from '../../../tools/plugins/install.ts'
import { condition, World, type AnyObject } from '../support/world.ts'
import {
  challenges,
  cleanedUp,
  clusterIssuer,
  dnsFixture,
  MoodyPlugin,
  openSite,
  orders,
  txtRecords,
  type AcmeSite,
} from './support/acme-world.ts'

let world: World
before(async () => {
  world = await World.open()
  await world.startController()
})
after(() => world.close())

/** Requests for one name when directory, nonce and account are there: 7, and one more look on a slow machine. */
const MOST_REQUESTS = 8

async function withSite(
  name: string,
  run: (site: AcmeSite) => Promise<void>,
  options?: Parameters<typeof openSite>[2],
): Promise<void> {
  const site = await openSite(world, name, options)
  try {
    await run(site)
  } finally {
    await site.proxy.close()
  }
}

/** Nothing waits for events: the last ones come after what they tell. */
async function tell(namespace: string, kind: string, name: string, reasons: string[]): Promise<void> {
  await world.until(`the events of ${kind} ${name} tell the story`, 10, async () => {
    const told = (await world.events(namespace, kind, name)).map(({ reason }) => reason)
    assert.deepEqual(told, reasons)
    return true
  })
}

function ring(namespace: string, name: string): Promise<void> {
  return world.temporal.workflow.getHandle(`certificate/${namespace}/${name}`).signal(changedSignal, { v: 1 })
}

function ownerOf(object: AnyObject): unknown {
  const [owner] = object.metadata['ownerReferences'] as { kind: string; name: string; controller: boolean }[]
  return [owner?.kind, owner?.name, owner?.controller]
}

async function chainOf(
  namespace: string,
  secret: string,
): Promise<{ data: Record<string, string>; chain: X509Certificate[] }> {
  const { data = {} } = (await world.get('Secret', namespace, secret)) ?? {}
  const pem = Buffer.from(data['tls.crt'] ?? '', 'base64').toString()
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return { data, chain: blocks.map((block) => new X509Certificate(block)) }
}

async function assertSignedByPebble(chain: X509Certificate[]): Promise<void> {
  const root = new X509Certificate(await world.servers.pebble.root())
  const path = [...chain, root]
  for (const [index, signer] of path.slice(1).entries()) {
    assert.ok(path[index]?.checkIssued(signer), `certificate ${index} names its issuer`)
    assert.ok(path[index]?.verify(signer.publicKey), `certificate ${index} is signed by the next one`)
  }
}

describe('an ACME certificate', { concurrency: 3 }, () => {
  test('goes from its order to its Secret: events, owners, chain, and nothing is left behind', async () => {
    await withSite('story', async (site) => {
      const { namespace, plugin, name, domain, proxy } = site
      await plugin.feel({ CREATE: { exit: 1 } })
      await world.certificate(namespace, 'web', { dnsNames: [domain], ...clusterIssuer(name) })
      const challenge = await world.until('a Challenge that waits', 20, async () =>
        (await challenges(world, namespace)).find(({ status }) => status?.reason?.includes('exit code 1')),
      )
      const [order] = await orders(world, namespace)
      assert.ok(order)
      assert.deepEqual(ownerOf(challenge), ['Order', order.metadata.name, true])
      assert.deepEqual(ownerOf(order), ['CertificateRequest', 'web-1', true])
      assert.equal(order.status?.state, 'pending')
      assert.deepEqual(challenge.metadata.finalizers, ['acme.cert-manager.io/finalizer'])
      await plugin.feel({})
      await ring(namespace, 'web')
      await world.ready(namespace, 'web')

      await tell(namespace, 'Certificate', 'web', [
        'Issuing',
        'Generated',
        'Requested',
        'PluginFailed',
        'Issuing',
      ])
      await tell(namespace, 'CertificateRequest', 'web-1', [
        'cert-manager.io',
        'OrderCreated',
        'CertificateIssued',
      ])
      await tell(namespace, 'Order', order.metadata.name, ['Created', 'Complete'])
      const { name: challenged } = challenge.metadata
      await tell(namespace, 'Challenge', challenged, [
        'Started',
        'PresentError',
        'Presented',
        'DomainVerified',
      ])

      const { data, chain } = await chainOf(namespace, 'web-tls')
      assert.deepEqual(Object.keys(data).sort(), ['tls.crt', 'tls.key'])
      await assertSignedByPebble(chain)
      assert.equal(chain[0]?.subjectAltName, `DNS:${domain}`)
      assert.equal(proxy.orders, 1)

      await world.untilGone('Challenge', namespace, challenge.metadata.name)
      assert.deepEqual(await txtRecords(world, `_acme-challenge.${domain}`), [])
      const [done] = await orders(world, namespace)
      assert.equal(done?.status?.state, 'valid')
      assert.deepEqual(done?.metadata.finalizers ?? [], [])

      await world.cmctlRenew(namespace, 'web')
      await world.ready(namespace, 'web', { revision: 2 })
      await world.untilGone('Order', namespace, order.metadata.name)
      await world.remove('Certificate', namespace, 'web')
      await world.until(
        'the last Order collected',
        30,
        async () => (await orders(world, namespace)).length === 0,
      )
    })
  })

  test(`takes at most ${MOST_REQUESTS} requests and 135 history events for one name, nonces refused meanwhile`, async () => {
    await withSite('thrift', async ({ namespace, name, domain, proxy }) => {
      await world.certificate(namespace, 'warm', { dnsNames: [`warm.${domain}`], ...clusterIssuer(name) })
      await world.ready(namespace, 'warm')
      const before = proxy.requests.length
      await world.certificate(namespace, 'web', { dnsNames: [domain], ...clusterIssuer(name) })
      await world.ready(namespace, 'web')
      const sent = proxy.requests.slice(before)
      // A refused nonce is Pebble's doing, and the repetition is counted on its own.
      const counted = sent.filter(({ status }) => status < 400)
      assert.ok(counted.length <= MOST_REQUESTS, counted.map(({ path }) => path).join(' '))
      const { historyLength } = await world.temporal.workflow
        .getHandle(`certificate/${namespace}/web`)
        .describe()
      assert.ok(historyLength <= 120 + 15, `${historyLength} events`)
    })
  })

  test('for an apex and its wildcard proves one name after the other: CREATE, DELETE, CREATE, DELETE', async () => {
    await withSite('apex', async ({ namespace, plugin, name, domain }) => {
      await world.certificate(namespace, 'web', { dnsNames: [domain, `*.${domain}`], ...clusterIssuer(name) })
      await world.ready(namespace, 'web')
      await cleanedUp(world, namespace)
      const calls = await plugin.calls()
      assert.deepEqual(
        calls.map(({ command }) => command),
        ['CREATE', 'DELETE', 'CREATE', 'DELETE'],
      )
      const tokens = calls.map(({ token }) => token)
      assert.equal(tokens[0], tokens[1])
      assert.equal(tokens[2], tokens[3])
      assert.notEqual(tokens[0], tokens[2])
      const { chain } = await chainOf(namespace, 'web-tls')
      assert.deepEqual(chain[0]?.subjectAltName?.split(', ').sort(), [`DNS:*.${domain}`, `DNS:${domain}`])
    })
  })

  test('of a namespaced Issuer takes account key and plugin Secret from its own namespace', async () => {
    const namespace = await world.namespace('own')
    const plugin = await MoodyPlugin.install(world, `own-${process.pid}`, namespace)
    const { directoryUrl, caPem } = world.servers.pebble
    await world.apply('Issuer', {
      metadata: { namespace, name: 'own' },
      spec: {
        acme: {
          server: directoryUrl,
          caBundle: Buffer.from(caPem).toString('base64'),
          privateKeySecretRef: { name: 'own-account' },
          solvers: [solver(plugin.name)],
        },
      },
    })
    const domain = `${plugin.name}.example.com`
    await world.certificate(namespace, 'web', { dnsNames: [domain], issuerRef: { name: 'own' } })
    await world.ready(namespace, 'web')
    assert.ok(await world.get('Secret', namespace, 'own-account'))
    assert.equal(await world.get('Secret', 'cert-manager', 'own-account'), undefined)
    await cleanedUp(world, namespace)
    assert.deepEqual(
      (await plugin.calls()).map(({ command }) => command),
      ['CREATE', 'DELETE'],
    )
  })

  test('is issued through a plugin that accepts the five variables of the contract and nothing else', async () => {
    const namespace = await world.namespace('strict')
    const name = `strict-${process.pid}`
    const domain = `${name}.example.com`
    const dump = join(world.folder, `${name}.json`)
    const source = fileURLToPath(new URL('../../dns/plugins/strict.mjs', import.meta.url))
    await installPlugin(source, world.pluginDirectory, name)
    const configuration = JSON.stringify({ dump, more: 'ünïcode' })
    await world.secret('cert-manager', name, { 'config.json': configuration })
    await world.acmeIssuer(name, { plugin: name })
    await world.certificate(namespace, 'web', { dnsNames: [domain], ...clusterIssuer(name) })

    const created = await world.until('CREATE', 20, async () => seenBy(dump, 'CREATE'))
    // The strict plugin only looks: the record is put up in its place.
    await dnsFixture(world, 'POST', '/set-txt', { host: created.env.FQDN, value: created.env.TOKEN })
    await world.ready(namespace, 'web')
    const deleted = await world.until('DELETE', 10, async () => seenBy(dump, 'DELETE'))
    await dnsFixture(world, 'POST', '/clear-txt', { host: created.env.FQDN })

    const shared = {
      APIVERSION: 'v1',
      DOMAIN: domain,
      FQDN: `_acme-challenge.${domain}.`,
      TOKEN: created.env.TOKEN,
    }
    assert.deepEqual(created.env, { ...shared, COMMAND: 'CREATE' })
    assert.deepEqual(deleted.env, { ...shared, COMMAND: 'DELETE' })
    for (const call of [created, deleted]) {
      assert.deepEqual(call.argv, [])
      assert.equal(Buffer.from(call.stdin, 'base64').toString(), configuration)
      assert.equal(call.leadsGroup, true)
    }
  })

  test('chooses for each name the solver whose selector fits best', async () => {
    const special = await MoodyPlugin.install(world, `special-${process.pid}`)
    await withSite(
      'choice',
      async ({ namespace, plugin, name, domain, proxy }) => {
        const solvers = [
          solver(plugin.name),
          { selector: { dnsZones: [`zone.${domain}`] }, ...solver(special.name) },
        ]
        await world.acmeIssuer(name, { server: proxy.directoryUrl, acme: { solvers } })
        await world.certificate(namespace, 'web', {
          dnsNames: [domain, `a.zone.${domain}`],
          ...clusterIssuer(name),
        })
        await world.ready(namespace, 'web')
        const names = async (one: MoodyPlugin) => [...new Set((await one.calls()).map(({ fqdn }) => fqdn))]
        assert.deepEqual(await names(plugin), [`_acme-challenge.${domain}.`])
        assert.deepEqual(await names(special), [`_acme-challenge.a.zone.${domain}.`])
      },
      { issuer: false },
    )
  })

  test('follows the CNAME of a challenge name where the solver says Follow', async () => {
    await withSite(
      'alias',
      async ({ namespace, plugin, name, domain, proxy }) => {
        const target = `${name}.certloom.test.`
        await dnsFixture(world, 'POST', '/records', {
          type: 'CNAME',
          name: `_acme-challenge.${domain}`,
          data: target,
        })
        const following = solver(plugin.name, { cnameStrategy: 'Follow' })
        await world.acmeIssuer(name, { server: proxy.directoryUrl, acme: { solvers: [following] } })
        await world.certificate(namespace, 'web', { dnsNames: [domain], ...clusterIssuer(name) })
        await world.ready(namespace, 'web')
        await cleanedUp(world, namespace)
        assert.deepEqual(
          (await plugin.calls()).map(({ command, fqdn }) => [command, fqdn]),
          [
            ['CREATE', target],
            ['DELETE', target],
          ],
        )
        assert.deepEqual(await txtRecords(world, target, 'certloom.test'), [])
      },
      { issuer: false },
    )
  })
})

describe('names that no order can prove are refused before there is one', { concurrency: 3 }, () => {
  const refused: {
    what: string
    code: string
    spec: (domain: string) => object
    acme?: (plugin: string) => object
  }[] = [
    {
      what: 'an IP address',
      code: 'NameNotOrderable',
      spec: (domain) => ({ dnsNames: [domain], ipAddresses: ['192.0.2.7'] }),
    },
    {
      what: 'a URI',
      code: 'NameNotOrderable',
      spec: (domain) => ({ dnsNames: [domain], uris: ['spiffe://cluster/web'] }),
    },
    {
      what: 'a common name that is not among the DNS names',
      code: 'NameNotOrderable',
      spec: (domain) => ({ commonName: `other.${domain}`, dnsNames: [domain] }),
    },
    {
      what: 'a wildcard without a dns01 solver',
      code: 'NoSolver',
      spec: (domain) => ({ dnsNames: [`*.${domain}`] }),
      acme: () => ({ solvers: [{ http01: { ingress: {} } }] }),
    },
    {
      what: 'a name that no selector matches',
      code: 'NoSolver',
      spec: (domain) => ({ dnsNames: [domain] }),
      acme: (plugin) => ({ solvers: [{ selector: { dnsZones: ['example.org'] }, ...solver(plugin) }] }),
    },
  ]
  for (const [index, { what, code, spec, acme }] of refused.entries()) {
    test(`${what}: Stalled with ${code}, no order, and Ready once it is corrected`, async () => {
      await withSite(
        `refused-${index + 1}`,
        async ({ namespace, plugin, name, domain, proxy }) => {
          await world.acmeIssuer(name, {
            plugin: name,
            server: proxy.directoryUrl,
            acme: acme?.(plugin.name),
          })
          await world.certificate(namespace, 'web', { ...spec(domain), ...clusterIssuer(name) })
          await world.untilObject<Certificate>(
            'Certificate',
            namespace,
            'web',
            `Stalled ${code}`,
            (one) => condition(one, 'Stalled')?.reason === code,
            10,
          )
          assert.equal(proxy.orders, 0)
          if (acme !== undefined) await world.acmeIssuer(name, { plugin: name, server: proxy.directoryUrl })
          else await world.certificate(namespace, 'web', { dnsNames: [domain], ...clusterIssuer(name) })
          const ready = await world.ready(namespace, 'web')
          assert.equal(condition(ready, 'Stalled'), undefined)
          assert.equal(proxy.orders, 1)
        },
        { issuer: false },
      )
    })
  }
})

interface Seen {
  env: Record<string, string>
  argv: string[]
  stdin: string
  leadsGroup: boolean
}

async function seenBy(dump: string, command: string): Promise<Seen | undefined> {
  const text = await readFile(dump, 'utf8').catch(() => '')
  if (text === '') return undefined
  const seen = JSON.parse(text) as Seen
  return seen.env['COMMAND'] === command ? seen : undefined
}

function solver(plugin: string, dns01: object = {}) {
  const config = { plugin, secretRef: { name: plugin, key: 'config.json' } }
  return { dns01: { webhook: { groupName: 'certloom.dev', solverName: 'exec', config }, ...dns01 } }
}
