import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Certificate } from '../../../k8s-bridge/api/certificate.ts'
import type { Kind } from '../../../k8s-bridge/api/kinds.ts'
import { apiPath } from '../../../k8s-bridge/api/kinds.ts'
import { startServers, type LocalServers } from '../../../tools/servers/servers.ts'
import { searchAttributes } from '../../../workflows/search-attributes.ts'
import { World, type AnyObject } from '../support/world.ts'
import { SecretWatch } from './support/secret-watch.ts'

const LIFETIME_SECONDS = 30
const RENEWALS = 3
const policies = ['Always', 'Never'] as const
type Policy = (typeof policies)[number]

let world: World
let pebble: LocalServers
let folder: string
let namespace: string
const watches = new Map<Policy, SecretWatch>()

const nameOf = (policy: Policy) => `keys-${policy.toLowerCase()}`
const watchOf = (policy: Policy) => {
  const watch = watches.get(policy)
  if (watch === undefined) throw new Error(`the Secret of ${policy} is not watched`)
  return watch
}

before(async () => {
  world = await World.open()
  folder = await mkdtemp(join(tmpdir(), 'certloom-renewal-'))
  const profiles = { short: { description: 'half a minute', validityPeriod: LIFETIME_SECONDS } }
  const dnsServer = world.servers.dns.resolver
  ;[pebble] = await Promise.all([
    startServers({ dataDir: folder, parts: ['pebble'], pebble: { profiles, dnsServer } }),
    world.startController(),
    world.fixturePlugin(),
  ])
  const issuer = `short-${process.pid}`
  const caBundle = Buffer.from(pebble.pebble.caPem).toString('base64')
  await world.acmeIssuer(issuer, { server: pebble.pebble.directoryUrl, acme: { caBundle } })
  namespace = await world.namespace('renewal')
  for (const rotationPolicy of policies) {
    const name = nameOf(rotationPolicy)
    watches.set(rotationPolicy, await SecretWatch.open(world, namespace, `${name}-tls`))
    await world.certificate(namespace, name, {
      dnsNames: [`${name}-${process.pid}.certloom.test`],
      issuerRef: { kind: 'ClusterIssuer', name: issuer },
      privateKey: { algorithm: 'ECDSA', rotationPolicy },
      revisionHistoryLimit: 1,
    })
  }
  const last = RENEWALS + 1
  await Promise.all(
    policies.map((policy) =>
      world.ready(namespace, nameOf(policy), { revision: last, seconds: RENEWALS * LIFETIME_SECONDS }),
    ),
  )
})

after(async () => {
  for (const watch of watches.values()) await watch.close()
  await world.close()
  await pebble.stop()
  await rm(folder, { recursive: true, force: true })
})

/** The certificates that a Secret has held, each as it was first seen. */
function issued(policy: Policy) {
  const { versions } = watchOf(policy)
  return versions.filter((version, at) => versions.findIndex((one) => one.serial === version.serial) === at)
}

const twoThirds = ({ notBefore, notAfter }: { notBefore: string; notAfter: string }) =>
  Date.parse(notBefore) + ((Date.parse(notAfter) - Date.parse(notBefore)) * 2) / 3

const seconds = (ms: number) => Math.round(ms / 100) / 10

interface Run {
  runId: string
  status: string
  startTime: number
}

/** Every run of a certificate's workflow, the oldest first, once the visibility store has them all. */
function runs(policy: Policy): Promise<Run[]> {
  const query = `WorkflowId="certificate/${namespace}/${nameOf(policy)}"`
  return world.until(`${RENEWALS + 1} runs of ${nameOf(policy)}`, 30, async () => {
    const found: Run[] = []
    for await (const { runId, status, startTime } of world.temporal.workflow.list({ query })) {
      found.push({ runId, status: status.name, startTime: startTime.getTime() })
    }
    return found.length > RENEWALS && found.sort((a, b) => a.startTime - b.startTime)
  })
}

for (const policy of policies) {
  test(`rotationPolicy ${policy}: the certificate renews by itself three times in a row, each at two thirds of its lifetime`, async (context) => {
    const certificates = issued(policy)
    assert.equal(certificates.length, RENEWALS + 1)
    const started = await runs(policy)
    for (const [at, certificate] of certificates.slice(0, -1).entries()) {
      const due = twoThirds(certificate)
      const lifetime = Date.parse(certificate.notAfter) - Date.parse(certificate.notBefore)
      assert.ok(Math.abs(lifetime - LIFETIME_SECONDS * 1000) <= 1000, `lifetime ${lifetime} ms`)
      const begun = (started[at + 1]?.startTime ?? 0) - due
      const written = (certificates[at + 1]?.seenAt ?? 0) - due
      context.diagnostic(
        `renewal ${at + 1}: begun ${seconds(begun)} s, in the Secret ${seconds(written)} s after two thirds`,
      )
      assert.ok(Math.abs(begun) <= 1000, `begun ${begun} ms after two thirds`)
      // On top comes the issuance itself.
      assert.ok(written >= -1000 && written <= 6000, `written ${written} ms after two thirds`)
    }
  })

  test(`rotationPolicy ${policy}: no version of the Secret ever holds a key of another certificate`, () => {
    const { versions, failure } = watchOf(policy)
    assert.equal(failure, undefined)
    assert.ok(versions.length >= RENEWALS + 1)
    assert.deepEqual(
      versions.filter((version) => !version.matches),
      [],
    )
  })

  test(`rotationPolicy ${policy}: each revision is one run, and the open one tells what is true`, async () => {
    const found = await runs(policy)
    const expected = [...Array.from({ length: RENEWALS }, () => 'CONTINUED_AS_NEW'), 'RUNNING']
    assert.deepEqual(
      found.map((run) => run.status),
      expected,
    )

    const name = nameOf(policy)
    const certificate = await world.get<Certificate>('Certificate', namespace, name)
    const secret = await world.get('Secret', namespace, `${name}-tls`)
    const cluster = await world.get('Namespace', undefined, 'kube-system')
    const handle = world.temporal.workflow.getHandle(`certificate/${namespace}/${name}`)
    // The status is written by a step, the attributes when the workflow hears of it a moment later.
    const { typedSearchAttributes: shown, memo } = await world.until(
      `${name} waits for its renewal`,
      10,
      async () => {
        const described = await handle.describe()
        return described.typedSearchAttributes.get(searchAttributes.phase) === 'Waiting' && described
      },
    )
    assert.deepEqual(memo, {
      cluster: cluster?.metadata.uid,
      known: {
        uid: certificate?.metadata.uid,
        generation: certificate?.metadata.generation,
        issuing: '',
        secretVersion: secret?.metadata.resourceVersion,
      },
      target: { kind: 'Certificate', namespace, name },
    })
    const { status } = certificate ?? {}
    assert.equal(status?.revision, RENEWALS + 1)
    assert.equal(shown.get(searchAttributes.revision), RENEWALS + 1)
    assert.equal(shown.get(searchAttributes.phase), 'Waiting')
    assert.equal(shown.get(searchAttributes.failures), 0)
    assert.equal(shown.get(searchAttributes.notAfter)?.getTime(), Date.parse(status?.notAfter ?? ''))
    assert.equal(shown.get(searchAttributes.nextRenewal)?.getTime(), Date.parse(status?.renewalTime ?? ''))
    const last = issued(policy).at(-1)
    assert.ok(last !== undefined)
    assert.ok(Math.abs(Date.parse(status?.renewalTime ?? '') - twoThirds(last)) <= 1000)
  })
}

test('with revisionHistoryLimit 1 the requests and Orders of earlier revisions are gone, and nothing else is left', async () => {
  const names = async (kind: Kind) => {
    const { items } = await world.kubernetes.list<AnyObject>(apiPath(kind, namespace))
    return items.map((item) => item.metadata.name).sort()
  }
  await world.until(
    'Orders of earlier revisions collected',
    30,
    async () => (await names('Order')).length === policies.length,
  )
  assert.deepEqual(
    await names('CertificateRequest'),
    policies.map((policy) => `${nameOf(policy)}-${RENEWALS + 1}`),
  )
  for (const [at, order] of (await names('Order')).entries()) {
    assert.ok(order.startsWith(`${nameOf(policies[at] ?? 'Always')}-${RENEWALS + 1}-`), order)
  }
  assert.deepEqual(await names('Challenge'), [])
  assert.deepEqual(
    await names('Secret'),
    policies.map((policy) => `${nameOf(policy)}-tls`),
  )
})

test('rotationPolicy Always makes a new key for every certificate', () => {
  const keys = issued('Always').map((certificate) => certificate.publicKeySha256)
  assert.equal(new Set(keys).size, RENEWALS + 1)
})

test('rotationPolicy Never keeps the key', () => {
  const keys = issued('Never').map((certificate) => certificate.publicKeySha256)
  assert.equal(new Set(keys).size, 1)
})
