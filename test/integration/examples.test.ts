import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseCertificate, verifyChain } from '../../activities/clients/x509.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import { applyManifest, readManifests, type Manifest } from '../../tools/demo/manifests.ts'
import { World, type AnyObject } from './support/world.ts'

const folder = fileURLToPath(new URL('../../examples', import.meta.url))
/** What the demo fills in. */
const values = {
  ACME_DIRECTORY: 'https://127.0.0.1:14000/dir',
  ACME_CA_BUNDLE: 'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==',
  DNS_CONTROL_URL: 'http://127.0.0.1:8055',
}
// Rules for Prometheus are no manifests; test/architecture/metrics.test.ts holds them.
const files = globSync('{demo,manifests}/**/*.yaml', { cwd: folder }).sort()

let world: World
const namespaces = new Set<string>()

before(async () => {
  world = await World.open()
})

after(async () => {
  for (const name of namespaces) await world.remove('Namespace', undefined, name)
  await world.close()
})

test('there are examples of the demo, of a private CA and of an ACME CA', () => {
  assert.deepEqual(files, [
    'demo/certificate.yaml',
    'demo/cluster-issuer.yaml',
    'manifests/acme-staging.yaml',
    'manifests/ca.yaml',
  ])
})

for (const file of files) {
  test(`the API server accepts examples/${file} as it is, with strict validation and our policies`, async () => {
    const manifests = await readManifests(join(folder, file), values)
    assert.ok(manifests.length > 0)
    for (const manifest of manifests) {
      await namespaceOf(manifest)
      const dryRun = manifest.kind !== 'Namespace'
      const { kind, metadata } = await applyManifest(world.kubernetes, manifest, { dryRun })
      assert.deepEqual([kind, metadata.name], [manifest.kind, manifest.metadata.name])
    }
  })
}

test('a field that the API does not know makes an example fail', async () => {
  const [namespace, certificate] = await readManifests(join(folder, 'demo/certificate.yaml'), values)
  assert.ok(namespace && certificate)
  await namespaceOf(certificate)
  const spec = { secretName: 'x', issuerRef: { name: 'x' }, dnsNames: ['a.test'], dnsNamez: ['a.test'] }
  const wrong = { ...certificate, spec } as Manifest
  await assert.rejects(applyManifest(world.kubernetes, wrong, { dryRun: true }), /dnsNamez/)
})

test('a placeholder that nobody fills is an error that names it', async () => {
  await assert.rejects(
    readManifests(join(folder, 'demo/cluster-issuer.yaml')),
    /no value for \$\{DNS_CONTROL_URL\}/,
  )
})

test('examples/manifests/ca.yaml, applied at once, becomes a root and a leaf that it signed', async () => {
  await world.startController()
  const manifests = await readManifests(join(folder, 'manifests/ca.yaml'))
  for (const manifest of manifests) await applyManifest(world.kubernetes, manifest)
  namespaces.add('private-ca')
  await world.ready('private-ca', 'root')
  await world.ready('private-ca', 'api')
  const leafPem = await certificateIn('private-ca', 'api-tls')
  const names = ['api.private-ca.svc', 'api.private-ca.svc.cluster.local', '10.0.0.10']
  verifyChain({ leafPem, rootsPem: await certificateIn('private-ca', 'root'), names, now: new Date() })
  const { notBefore, notAfter, usages } = parseCertificate(leafPem)
  assert.equal(Date.parse(notAfter) - Date.parse(notBefore), 720 * 3600 * 1000)
  assert.deepEqual(usages, ['digital signature', 'server auth'])
})

/** A dry run creates nothing, so an object needs its namespace before. */
async function namespaceOf({ metadata: { namespace } }: Manifest): Promise<void> {
  if (namespace === undefined || namespaces.has(namespace)) return
  const there = await world.get('Namespace', undefined, namespace)
  if (there === undefined) {
    namespaces.add(namespace)
    await world.create('Namespace', { metadata: { name: namespace } })
  }
}

async function certificateIn(namespace: string, name: string): Promise<string> {
  const secret = await world.kubernetes.get<AnyObject>(apiPath('Secret', namespace, name))
  return Buffer.from(secret?.data?.['tls.crt'] ?? '', 'base64').toString()
}
