import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  keyFacts,
  matchesKey,
  parseCertificate,
  parseChain,
  verifyChain,
} from '../../../activities/clients/x509.ts'
import type { Certificate } from '../../../k8s-bridge/api/certificate.ts'
import { apiPath } from '../../../k8s-bridge/api/kinds.ts'
import { condition, World, type AnyObject } from '../support/world.ts'
import { issuerReady, quiet, selfSignedIssuer, timersFired } from './support/operator.ts'

let world: World
let namespace: string
let root: string

before(async () => {
  world = await World.open()
  await world.startController()
  namespace = await world.namespace('ca')
  await selfSignedIssuer(world, namespace)
  await world.certificate(namespace, 'root', {
    isCA: true,
    commonName: 'certloom test root',
    issuerRef: { name: 'self' },
  })
  await world.ready(namespace, 'root')
  await world.apply('Issuer', {
    metadata: { namespace, name: 'ca' },
    spec: { ca: { secretName: 'root-tls' } },
  })
  await issuerReady(world, namespace, 'ca')
  root = await pem('root-tls', 'tls.crt')
})

after(() => world.close())

const keys = [
  { algorithm: 'RSA', size: 2048, label: 'RSA PRIVATE KEY' },
  { algorithm: 'RSA', size: 3072, encoding: 'PKCS8', label: 'PRIVATE KEY' },
  { algorithm: 'ECDSA', size: 256, label: 'EC PRIVATE KEY' },
  { algorithm: 'ECDSA', size: 384, encoding: 'PKCS8', label: 'PRIVATE KEY' },
  { algorithm: 'ECDSA', size: 521, encoding: 'PKCS1', label: 'EC PRIVATE KEY' },
  { algorithm: 'Ed25519', encoding: 'PKCS8', label: 'PRIVATE KEY' },
]
test('a CA issuer signs for keys of every algorithm, size and encoding, and the chains verify', async () => {
  const made = keys.map(async ({ label, ...privateKey }, at) => {
    const name = `key-${at}`
    await world.certificate(namespace, name, { dnsNames: ['a.test'], privateKey, issuerRef: { name: 'ca' } })
    await world.ready(namespace, name)
    const [leafPem, key] = [await pem(`${name}-tls`, 'tls.crt'), await pem(`${name}-tls`, 'tls.key')]
    verifyChain({ leafPem, intermediatesPem: leafPem, rootsPem: root, names: ['a.test'], now: new Date() })
    assert.equal(await pem(`${name}-tls`, 'ca.crt'), root)
    assert.ok(matchesKey(leafPem, key), name)
    assert.ok(key.startsWith(`-----BEGIN ${label}-----`), `${name}: ${key.slice(0, 40)}`)
    const facts = keyFacts(key)
    assert.equal(facts.algorithm, privateKey.algorithm)
    if (privateKey.size !== undefined) assert.equal(facts.size, privateKey.size)
  })
  await Promise.all(made)
})

test('an intermediate CA signs a leaf whose Secret holds the chain without the root', async () => {
  await world.certificate(namespace, 'middle', {
    isCA: true,
    commonName: 'certloom test intermediate',
    issuerRef: { name: 'ca' },
  })
  await world.ready(namespace, 'middle')
  await world.apply('Issuer', {
    metadata: { namespace, name: 'sub' },
    spec: { ca: { secretName: 'middle-tls' } },
  })
  await world.certificate(namespace, 'under', { dnsNames: ['under.test'], issuerRef: { name: 'sub' } })
  await world.ready(namespace, 'under')
  const chain = await pem('under-tls', 'tls.crt')
  const path = verifyChain({
    leafPem: chain,
    intermediatesPem: chain,
    rootsPem: root,
    names: ['under.test'],
    now: new Date(),
  })
  assert.equal(path.length, 3)
  assert.equal(path[1]?.isCA, true)
  assert.equal(parseChain(chain).length, 2)
})

test('usages, output formats and the Secret template arrive in certificate and Secret', async () => {
  await world.certificate(namespace, 'formats', {
    dnsNames: ['formats.test'],
    usages: ['digital signature', 'client auth'],
    additionalOutputFormats: [{ type: 'CombinedPEM' }, { type: 'DER' }],
    secretTemplate: { labels: { team: 'shop' }, annotations: { 'example.com/reload': 'yes' } },
    issuerRef: { name: 'ca' },
  })
  await world.ready(namespace, 'formats')
  const secret = await world.get('Secret', namespace, 'formats-tls')
  assert.deepEqual(secret?.metadata['labels'], { team: 'shop', 'controller.cert-manager.io/fao': 'true' })
  const annotations = secret.metadata['annotations'] as Record<string, string>
  assert.equal(annotations['example.com/reload'], 'yes')
  assert.deepEqual(parseCertificate(await pem('formats-tls', 'tls.crt')).usages?.toSorted(), [
    'client auth',
    'digital signature',
  ])
  const [key, crt] = [await pem('formats-tls', 'tls.key'), await pem('formats-tls', 'tls.crt')]
  assert.equal(await pem('formats-tls', 'tls-combined.pem'), `${key}\n${crt}`)
  const der = key.replace(/-----[^-]+-----|\s/g, '')
  assert.equal(secret.data?.['key.der'], der)
})

test('a changed template or output format changes the Secret without a new certificate', async () => {
  const before = await pem('formats-tls', 'tls.crt')
  await world.certificate(namespace, 'formats', {
    dnsNames: ['formats.test'],
    usages: ['digital signature', 'client auth'],
    additionalOutputFormats: [{ type: 'DER' }],
    secretTemplate: { labels: { team: 'bank' } },
    issuerRef: { name: 'ca' },
  })
  await world.untilObject<AnyObject>('Secret', namespace, 'formats-tls', 'labelled anew', (secret) => {
    const { labels } = secret.metadata as { labels?: Record<string, string> }
    return labels?.['team'] === 'bank'
  })
  const secret = await world.get('Secret', namespace, 'formats-tls')
  assert.deepEqual(Object.keys(secret?.data ?? {}).sort(), ['ca.crt', 'key.der', 'tls.crt', 'tls.key'])
  assert.equal((secret?.metadata['annotations'] as Record<string, string>)['example.com/reload'], undefined)
  await quiet(world, namespace, 'formats')
  assert.equal((await world.ready(namespace, 'formats')).status?.revision, 1)
  assert.equal(await pem('formats-tls', 'tls.crt'), before)
})

test('what others took away of the Secret’s label comes back, and what they added stays', async () => {
  const path = apiPath('Secret', namespace, 'formats-tls')
  // Who only takes away leaves no trace of himself: all that is left was written by us.
  await world.kubernetes.merge(path, { metadata: { labels: { 'controller.cert-manager.io/fao': null } } })
  await relabelled()
  const mine = {
    metadata: { labels: { mine: 'too' } },
    data: { 'mine.txt': Buffer.from('mine').toString('base64') },
  }
  await world.kubernetes.merge(path, mine)
  await world.kubernetes.merge(path, { metadata: { labels: { 'controller.cert-manager.io/fao': null } } })
  const secret = await relabelled()
  assert.equal((secret.metadata['labels'] as Record<string, string>)['mine'], 'too')
  assert.ok(secret.data?.['mine.txt'])
})

test('another list of names makes the next revision, and the request of the old one goes', async () => {
  await leaf('names', { dnsNames: ['one.test'] })
  await world.certificate(namespace, 'names', {
    dnsNames: ['one.test', 'two.test'],
    issuerRef: { name: 'ca' },
  })
  await world.ready(namespace, 'names', { revision: 2 })
  const crt = await pem('names-tls', 'tls.crt')
  verifyChain({ leafPem: crt, rootsPem: root, names: ['one.test', 'two.test'], now: new Date() })
  const message = 'Fields on existing CertificateRequest resource not up to date: [spec.dnsNames]'
  await eventOf('names', 'Issuing', message)
  await world.untilGone('CertificateRequest', namespace, 'names-1')
  assert.ok(await world.get('CertificateRequest', namespace, 'names-2'))
})

test('a deleted Secret is issued anew, once', async () => {
  await leaf('deleted')
  await world.remove('Secret', namespace, 'deleted-tls')
  await world.ready(namespace, 'deleted', { revision: 2 })
  await quiet(world, namespace, 'deleted')
  assert.equal((await world.ready(namespace, 'deleted')).status?.revision, 2)
})

test('a private key that somebody wrote over is replaced together with its certificate', async () => {
  await leaf('corrupt')
  await world.kubernetes.merge(apiPath('Secret', namespace, 'corrupt-tls'), {
    data: { 'tls.key': Buffer.from('no key').toString('base64') },
  })
  await world.ready(namespace, 'corrupt', { revision: 2 })
  const secret = [await pem('corrupt-tls', 'tls.crt'), await pem('corrupt-tls', 'tls.key')] as const
  assert.ok(matchesKey(...secret))
})

test('a private key that somebody took out of the Secret is noticed, though nobody but us wrote what is left', async () => {
  // A Secret of type kubernetes.io/tls must keep its key; one that was there before keeps the type it had.
  await world.create('Secret', { metadata: { namespace, name: 'removed-tls' }, type: 'Opaque' })
  await leaf('removed')
  await world.kubernetes.merge(apiPath('Secret', namespace, 'removed-tls'), { data: { 'tls.key': null } })
  await world.ready(namespace, 'removed', { revision: 2 })
  await eventOf('removed', 'Issuing', 'Issuing certificate as Secret does not contain a private key')
})

test('a missing CA Secret stalls the certificate and counts nothing; it is Ready seconds after the Secret is there', async () => {
  await world.apply('Issuer', {
    metadata: { namespace, name: 'late' },
    spec: { ca: { secretName: 'late-tls' } },
  })
  await world.untilObject<AnyObject>('Issuer', namespace, 'late', 'not Ready', (one) =>
    (one.status?.conditions ?? []).some(
      ({ status, reason }) => status === 'False' && reason === 'ErrGetKeyPair',
    ),
  )
  await world.certificate(namespace, 'waits', { dnsNames: ['waits.test'], issuerRef: { name: 'late' } })
  const stalled = await world.untilObject<Certificate>(
    'Certificate',
    namespace,
    'waits',
    'Stalled',
    (one) => condition(one, 'Stalled')?.status === 'True',
  )
  assert.equal(condition(stalled, 'Stalled')?.reason, 'IssuerNotReady')
  assert.match(condition(stalled, 'Stalled')?.message ?? '', /late-tls does not exist/)
  assert.equal(condition(stalled, 'Ready')?.status, 'False')
  assert.equal(stalled.status?.failedIssuanceAttempts, undefined)

  const looks = await timersFired(world, namespace, 'waits')
  const found = await world.get('Secret', namespace, 'root-tls')
  await world.create('Secret', { metadata: { namespace, name: 'late-tls' }, data: found?.data })
  const ready = await world.ready(namespace, 'waits')
  assert.equal(await timersFired(world, namespace, 'waits'), looks, 'it was found by looking again')
  assert.equal(condition(ready, 'Stalled'), undefined)
  assert.equal(ready.status?.failedIssuanceAttempts, undefined)
  assert.equal(ready.status?.lastFailureTime, undefined)
  assert.equal(ready.status?.revision, 1)
})

function relabelled(): Promise<AnyObject> {
  return world.untilObject<AnyObject>(
    'Secret',
    namespace,
    'formats-tls',
    'labelled again',
    ({ metadata }) => {
      return (
        (metadata as { labels?: Record<string, string> }).labels?.['controller.cert-manager.io/fao'] ===
        'true'
      )
    },
  )
}

async function leaf(name: string, spec: object = {}): Promise<void> {
  await world.certificate(namespace, name, { dnsNames: [`${name}.test`], issuerRef: { name: 'ca' }, ...spec })
  await world.ready(namespace, name, { revision: 1 })
}

async function eventOf(name: string, reason: string, message: string): Promise<void> {
  await world.until(`event ${reason} on ${name}: ${message}`, 10, async () =>
    (await world.events(namespace, 'Certificate', name)).find(
      (event) => event.reason === reason && event.message === message,
    ),
  )
}

async function pem(secret: string, key: string): Promise<string> {
  const found = await world.get<AnyObject>('Secret', namespace, secret)
  const value = found?.data?.[key]
  if (value === undefined) throw new Error(`Secret ${secret} has no ${key}`)
  return Buffer.from(value, 'base64').toString()
}
