import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { matchesKey, parseCertificate } from '../../../activities/clients/x509.ts'
import type { Certificate } from '../../../k8s-bridge/api/certificate.ts'
import type { CertificateRequest } from '../../../k8s-bridge/api/certificate-request.ts'
import { apiPath } from '../../../k8s-bridge/api/kinds.ts'
import { condition, World, type AnyObject } from '../support/world.ts'
import { certificateId, runsOf, selfSignedIssuer } from './support/operator.ts'
import { Recording } from './support/recording.ts'

let world: World
let namespace: string
let certificates: Recording
let secrets: Recording
let requests: Recording
let certificate: Certificate

before(async () => {
  world = await World.open()
  await world.startController()
  namespace = await world.namespace('self-signed')
  await selfSignedIssuer(world, namespace)
  const record = (kind: 'Certificate' | 'Secret' | 'CertificateRequest') =>
    Recording.start(world.kubernetes, apiPath(kind, namespace))
  ;[certificates, secrets, requests] = await Promise.all([
    record('Certificate'),
    record('Secret'),
    record('CertificateRequest'),
  ])
  await world.create('Certificate', {
    metadata: {
      namespace,
      name: 'web',
      labels: { team: 'shop' },
      annotations: { 'example.com/note': 'kept' },
    },
    spec: {
      secretName: 'web-tls',
      commonName: 'web.example.com',
      dnsNames: ['web.example.com', '*.web.example.com'],
      ipAddresses: ['192.0.2.7'],
      uris: ['spiffe://example.com/web'],
      emailAddresses: ['web@example.com'],
      subject: { organizations: ['Example'], countries: ['DE'] },
      privateKey: { algorithm: 'ECDSA' },
      issuerRef: { name: 'self' },
    },
  })
  certificate = await world.ready(namespace, 'web')
})

after(() => world.close())

test('a watcher sees the Certificate not Ready and Issuing, then Ready, and nothing between', async () => {
  await certificates.until('Ready', (one) => condition(one as Certificate, 'Ready')?.status === 'True')
  const told = certificates.seen.map(({ object }) =>
    (object.status?.conditions ?? [])
      .map(({ type, status, reason, message }) => [type, status, reason, message])
      .sort(),
  )
  const doesNotExist = ['DoesNotExist', 'Issuing certificate as Secret does not exist']
  assert.deepEqual(told, [
    [],
    [
      ['Issuing', 'True', ...doesNotExist],
      ['Ready', 'False', ...doesNotExist],
    ],
    [['Ready', 'True', 'Ready', 'Certificate is up to date and has not expired']],
  ])
})

test('the status carries the dates of the certificate, the revision and nothing of the issuance', async () => {
  const secret = await world.get('Secret', namespace, 'web-tls')
  const facts = parseCertificate(pem(secret, 'tls.crt'))
  const { conditions, ...status } = certificate.status ?? {}
  const lifetime = Date.parse(facts.notAfter) - Date.parse(facts.notBefore)
  assert.deepEqual(status, {
    revision: 1,
    notBefore: facts.notBefore,
    notAfter: facts.notAfter,
    renewalTime: new Date(Date.parse(facts.notAfter) - lifetime / 3).toISOString().replace('.000Z', 'Z'),
  })
  assert.equal(lifetime, 90 * 24 * 3_600_000)
  assert.deepEqual(
    conditions?.map(({ observedGeneration }) => observedGeneration),
    [1],
  )
})

test('the events are upstream’s, in its order', async () => {
  const temporary = temporarySecrets()[0] ?? 'none'
  await world.until(
    'six events',
    10,
    async () =>
      (await world.events(namespace, 'Certificate', 'web')).length >= 4 &&
      (await world.events(namespace, 'CertificateRequest', 'web-1')).length >= 2,
  )
  const onCertificate = await world.events(namespace, 'Certificate', 'web')
  assert.deepEqual(
    onCertificate.map(({ type, reason, message }) => [type, reason, message]),
    [
      ['Normal', 'Issuing', 'Issuing certificate as Secret does not exist'],
      ['Normal', 'Generated', `Stored new private key in temporary Secret resource "${temporary}"`],
      ['Normal', 'Requested', 'Created new CertificateRequest resource "web-1"'],
      ['Normal', 'Issuing', 'The certificate has been successfully issued'],
    ],
  )
  const onRequest = await world.events(namespace, 'CertificateRequest', 'web-1')
  assert.deepEqual(
    onRequest.map(({ type, reason, message }) => [type, reason, message]),
    [
      ['Normal', 'cert-manager.io', 'Certificate request has been approved by cert-manager.io'],
      ['Normal', 'CertificateIssued', 'Certificate fetched from issuer successfully'],
    ],
  )
})

test('the Secret has upstream’s type, data, label and annotations, and no owner', async () => {
  const secret = await world.get<AnyObject & { type: string }>('Secret', namespace, 'web-tls')
  assert.ok(secret)
  assert.equal(secret.type, 'kubernetes.io/tls')
  assert.deepEqual(Object.keys(secret.data ?? {}).sort(), ['ca.crt', 'tls.crt', 'tls.key'])
  // A self-signed certificate is its own CA.
  assert.equal(pem(secret, 'ca.crt'), pem(secret, 'tls.crt'))
  assert.match(pem(secret, 'tls.key'), /^-----BEGIN EC PRIVATE KEY-----/)
  assert.ok(matchesKey(pem(secret, 'tls.crt'), pem(secret, 'tls.key')))
  const facts = parseCertificate(pem(secret, 'tls.crt'))
  assert.deepEqual(facts.dnsNames, ['web.example.com', '*.web.example.com'])
  const { labels, annotations, ownerReferences } = secret.metadata
  assert.deepEqual(labels, { 'controller.cert-manager.io/fao': 'true' })
  assert.deepEqual(annotations, {
    'cert-manager.io/certificate-name': 'web',
    'cert-manager.io/issuer-name': 'self',
    'cert-manager.io/issuer-kind': 'Issuer',
    'cert-manager.io/issuer-group': '',
    'cert-manager.io/common-name': 'web.example.com',
    'cert-manager.io/alt-names': 'web.example.com,*.web.example.com',
    'cert-manager.io/ip-sans': '192.0.2.7',
    'cert-manager.io/uri-sans': 'spiffe://example.com/web',
    'cert-manager.io/email-sans': 'web@example.com',
    'cert-manager.io/subject-organizations': 'Example',
    'cert-manager.io/subject-countries': 'DE',
  })
  assert.equal(ownerReferences, undefined)
})

test('the CertificateRequest is named after the revision, owned, approved and Ready', async () => {
  const request = await world.get<CertificateRequest>('CertificateRequest', namespace, 'web-1')
  assert.ok(request)
  assert.deepEqual(requests.created(), ['web-1'])
  const { labels, annotations, ownerReferences } = request.metadata
  assert.deepEqual(labels, { team: 'shop' })
  assert.deepEqual(annotations, {
    'example.com/note': 'kept',
    'cert-manager.io/certificate-name': 'web',
    'cert-manager.io/certificate-revision': '1',
    'cert-manager.io/private-key-secret-name': temporarySecrets()[0],
  })
  assert.deepEqual(ownerReferences, [
    {
      apiVersion: 'cert-manager.io/v1',
      kind: 'Certificate',
      name: 'web',
      uid: certificate.metadata.uid,
      controller: true,
      blockOwnerDeletion: true,
    },
  ])
  assert.deepEqual(
    request.status?.conditions?.map(({ type, status, reason, message }) => [type, status, reason, message]),
    [
      ['Approved', 'True', 'cert-manager.io', 'Certificate request has been approved by cert-manager.io'],
      ['Ready', 'True', 'Issued', 'Certificate fetched from issuer successfully'],
    ],
  )
  assert.equal(request.spec.username, 'system:serviceaccount:cert-manager:cert-manager')
})

test('the next key lay in one labelled Secret of the Certificate, which is gone', async () => {
  const names = temporarySecrets()
  assert.equal(names.length, 1)
  const [name = ''] = names
  const made = await secrets.until('made', (one) => one.metadata.name === name)
  assert.match(name, /^web-[a-z0-9]{5}$/)
  assert.deepEqual(made.metadata['labels'], {
    'cert-manager.io/next-private-key': 'true',
    'controller.cert-manager.io/fao': 'true',
  })
  assert.equal((made as AnyObject & { type: string }).type, 'Opaque')
  const [owner] = made.metadata['ownerReferences'] as { uid: string; controller: boolean }[]
  assert.equal(owner?.uid, certificate.metadata.uid)
  assert.equal(owner?.controller, true)
  await secrets.until('gone', (one, type) => type === 'DELETED' && one.metadata.name === name)
})

test('the story takes one run of at most 120 events', async () => {
  const runs = await runsOf(world, certificateId(namespace, 'web'))
  assert.deepEqual(
    runs.map(({ status }) => status),
    ['RUNNING'],
  )
  const { historyLength } = await world.temporal.workflow
    .getHandle(certificateId(namespace, 'web'))
    .describe()
  assert.ok(historyLength > 5 && historyLength <= 120, `${historyLength} events`)
})

test('a deleted Certificate takes its request and its workflow along; the Secret survives', async () => {
  await world.remove('Certificate', namespace, 'web')
  await world.untilGone('CertificateRequest', namespace, 'web-1')
  await world.until('the workflow is done', 10, async () => {
    const [run] = await runsOf(world, certificateId(namespace, 'web'))
    return run?.status === 'COMPLETED'
  })
  assert.ok(await world.get('Secret', namespace, 'web-tls'))
  for (const recording of [certificates, secrets, requests]) recording.stop()
})

/** Secrets with a next key that were made while the test ran. */
function temporarySecrets(): string[] {
  return secrets.created().filter((name) => name !== 'web-tls')
}

function pem(secret: AnyObject | undefined, key: string): string {
  return Buffer.from(secret?.data?.[key] ?? '', 'base64').toString()
}
