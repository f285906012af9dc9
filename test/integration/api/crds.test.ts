import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { parse } from 'yaml'
import type * as z from 'zod'
import { certificateRequest } from '../../../k8s-bridge/api/certificate-request.ts'
import { certificate } from '../../../k8s-bridge/api/certificate.ts'
import { challenge } from '../../../k8s-bridge/api/challenge.ts'
import { clusterIssuer } from '../../../k8s-bridge/api/cluster-issuer.ts'
import { issuer } from '../../../k8s-bridge/api/issuer.ts'
import { apiPath, apiVersionOf, kinds, type Kind } from '../../../k8s-bridge/api/kinds.ts'
import { order } from '../../../k8s-bridge/api/order.ts'
import { KubernetesApi, type ApiAnswer } from '../support/kubernetes-api.ts'
import { testServers } from '../support/servers.ts'

const crdCollection = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const crdFolder = join(import.meta.dirname, '../../../deploy/crds')

interface Crd {
  metadata: { name: string }
  status?: { conditions?: { type: string; status: string; message?: string }[] }
}

// The servers are shared and outlive this file: its own namespace, and names that nobody else has.
const namespace = `api-${randomUUID().slice(0, 8)}`
const { kubernetes } = await testServers()
const api = await KubernetesApi.connect(kubernetes.adminKubeconfigPath)

before(async () => {
  const created = await api.call('POST', apiPath('Namespace'), { body: { metadata: { name: namespace } } })
  assert.equal(created.status, 201, messageOf(created))
})

after(async () => {
  await api.call('DELETE', apiPath('ClusterIssuer', undefined, namespace))
  await api.call('DELETE', apiPath('Namespace', undefined, namespace))
  api.close()
})

test('the API server takes all six CRDs by server-side apply, without a warning, and serves them', async () => {
  const files = (await readdir(crdFolder)).filter((name) => name.endsWith('.yaml'))
  assert.equal(files.length, 6)
  for (const file of files) {
    const crd = parse(await readFile(join(crdFolder, file), 'utf8')) as Crd
    const { name } = crd.metadata
    const applied = await api.apply(`${crdCollection}/${name}`, crd, 'certloom-crds')
    assert.ok([200, 201].includes(applied.status), `${name}: ${messageOf(applied)}`)
    assert.equal(applied.headers.warning, undefined, name)
    await api.watchUntil(crdCollection, name, (object) => isTrue(object as Crd, 'Established'))
    const live = (await api.call('GET', `${crdCollection}/${name}`)).body as Crd
    assert.ok(!isTrue(live, 'NonStructuralSchema'), JSON.stringify(live.status?.conditions))
  }
})

const issuerRef = { name: 'x' }
const pem = Buffer.from('-----BEGIN CERTIFICATE REQUEST-----\n').toString('base64')
const solver = {
  selector: { dnsZones: ['example.com'] },
  dns01: {
    webhook: {
      groupName: 'certloom.dev',
      solverName: 'exec',
      config: { plugin: 'googledns', timeoutSeconds: 30, list: [{ deep: true }] },
    },
  },
}
const acme = {
  server: 'https://acme.example/directory',
  privateKeySecretRef: { name: 'account' },
  solvers: [solver],
}

const examples: { [kind in Kind]?: { schema: z.ZodType; spec: Record<string, unknown> } } = {
  Certificate: {
    schema: certificate,
    spec: {
      secretName: 'shop-tls',
      issuerRef,
      dnsNames: ['example.com', '*.example.com'],
      duration: '2160h',
      privateKey: { algorithm: 'ECDSA', size: 256 },
      renewal: { policy: 'RenewBefore', windows: [{ cron: '0 2 * * 6', windowDuration: '2h30m' }] },
      usages: ['server auth'],
      revisionHistoryLimit: 3,
    },
  },
  CertificateRequest: { schema: certificateRequest, spec: { request: pem, issuerRef } },
  Issuer: { schema: issuer, spec: { acme } },
  ClusterIssuer: { schema: clusterIssuer, spec: { ca: { secretName: 'root' } } },
  Order: { schema: order, spec: { request: pem, issuerRef, dnsNames: ['example.com'] } },
  Challenge: {
    schema: challenge,
    spec: {
      url: 'https://acme.example/chall/1',
      authorizationURL: 'https://acme.example/authz/1',
      dnsName: 'example.com',
      type: 'DNS-01',
      token: 't',
      key: 'k',
      solver,
      issuerRef,
    },
  },
}

for (const [kind, { schema, spec }] of Object.entries(examples) as [
  Kind,
  NonNullable<(typeof examples)[Kind]>,
][]) {
  test(`kind ${kind} is stored as it was written and read back by our schema`, async () => {
    // The handler of a new CRD appears a moment after the condition.
    const created = await until(
      () => create(kind, spec),
      ({ status }) => status !== 404,
    )
    assert.equal(created.status, 201, messageOf(created))
    assert.equal(created.headers.warning, undefined)
    assert.deepEqual(written((created.body as { spec: Record<string, unknown> }).spec), spec)
    const parsed = schema.parse(created.body) as { spec: unknown; metadata: { uid?: string } }
    assert.deepEqual(written(parsed.spec), spec)
    assert.ok(parsed.metadata.uid)
  })
}

test('a bad object is refused with the path of the field', async () => {
  const cases: [Kind, Record<string, unknown>, RegExp][] = [
    ['Certificate', { secretName: 'x' }, /spec\.issuerRef: Required value/],
    ['Certificate', { secretName: 'x', issuerRef, privateKey: { size: 'big' } }, /spec\.privateKey\.size/],
    [
      'Certificate',
      { secretName: 'x', issuerRef, usages: ['flying'] },
      /spec\.usages\[0\]: Unsupported value/,
    ],
    ['CertificateRequest', { request: 'not base64!', issuerRef }, /spec\.request/],
    ['Issuer', { venafi: { zone: 'z' } }, /spec\.venafi: .*must have exactly one of tpp, cloud, ngts/],
    ['Challenge', { ...examples.Challenge?.spec, type: 'dns-01' }, /spec\.type: Unsupported value/],
    ['Issuer', { acme: { ...acme, preferredChain: 'x'.repeat(65) } }, /spec\.acme\.preferredChain: Too long/],
  ]
  for (const [kind, spec, problem] of cases) {
    const refused = await create(kind, spec, 'bad')
    assert.equal(refused.status, 422, `${kind} ${JSON.stringify(spec)}`)
    assert.match(messageOf(refused), problem)
  }
})

test('fields that the API does not have are refused under strict validation', async () => {
  const refused = await create('Certificate', { secretName: 'x', issuerRef, dnsName: 'typo.example' }, 'typo')
  assert.equal(refused.status, 400)
  assert.match(messageOf(refused), /unknown field "spec\.dnsName"/)
})

test('kubectl explain finds our words', async () => {
  const { status, body } = await until(
    () => api.call('GET', '/openapi/v3/apis/cert-manager.io/v1'),
    (answer) => JSON.stringify(answer.body).includes('.v1.Certificate"'),
  )
  assert.equal(status, 200)
  const schemas = (body as { components: { schemas: Record<string, unknown> } }).components.schemas
  const text = JSON.stringify(schemas['io.cert-manager.v1.Certificate'])
  assert.ok(text.includes(JSON.stringify(certificate.shape.spec.shape.secretName.description)))
  assert.ok(text.includes('Lifetime to ask for, at least 1h. Default: 2160h (90 days).'))
})

test('kubectl get shows the columns, and short names and categories are known', async () => {
  const table = await api.call('GET', apiPath('Certificate', namespace), {
    accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
  })
  const columns = (table.body as { columnDefinitions: { name: string; priority: number }[] })
    .columnDefinitions
  assert.deepEqual(
    columns.map(({ name, priority }) => `${name} ${priority}`),
    ['Name 0', 'Ready 0', 'Secret 0', 'Issuer 1', 'Status 1', 'Age 0'],
  )
  const discovery = (await api.call('GET', '/apis/cert-manager.io/v1')).body as {
    resources: { name: string; shortNames?: string[]; categories?: string[] }[]
  }
  const resource = discovery.resources.find(({ name }) => name === kinds.Certificate.plural)
  assert.deepEqual(resource?.shortNames, ['cert', 'certs'])
  assert.deepEqual(resource.categories, ['cert-manager'])
})

test('objects can be selected by their issuer', async () => {
  const count = async (name: string) => {
    const path = `${apiPath('Certificate', namespace)}?fieldSelector=spec.issuerRef.name%3D${name}`
    return ((await api.call('GET', path)).body as { items: unknown[] }).items.length
  }
  assert.equal(await count('x'), 1)
  assert.equal(await count('other'), 0)
})

test('status is a subresource: a foreign condition written there stays, spec does not change', async () => {
  const path = apiPath('Certificate', namespace, namespace)
  const conditions = [{ type: 'example.com/Audited', status: 'True', observedGeneration: 1 }]
  const written = await api.call('PATCH', `${path}/status`, {
    body: { spec: { secretName: 'other' }, status: { conditions } },
    contentType: 'application/merge-patch+json',
  })
  assert.equal(written.status, 200, messageOf(written))
  const live = certificate.parse((await api.call('GET', path)).body)
  assert.deepEqual(live.status?.conditions, conditions)
  assert.equal(live.spec.secretName, 'shop-tls')
})

function create(kind: Kind, spec: unknown, name = namespace): Promise<ApiAnswer> {
  const path = apiPath(kind, kinds[kind].namespaced ? namespace : undefined)
  return api.call('POST', `${path}?fieldValidation=Strict`, {
    body: { apiVersion: apiVersionOf(kind), kind, metadata: { name }, spec },
  })
}

/** Asks again, at most for 20 s, until the answer is the one that was waited for; gives the last answer. */
async function until(
  ask: () => Promise<ApiAnswer>,
  fits: (answer: ApiAnswer) => boolean,
): Promise<ApiAnswer> {
  const deadline = performance.now() + 20_000
  for (;;) {
    const answer = await ask()
    if (fits(answer) || performance.now() > deadline) return answer
    await delay(50)
  }
}

function isTrue(crd: Crd, type: string): boolean {
  return crd.status?.conditions?.some((one) => one.type === type && one.status === 'True') === true
}

function messageOf(answer: ApiAnswer): string {
  const { message } = (answer.body ?? {}) as { message?: string }
  return `${answer.status}: ${message ?? ''}`
}

/** Without who asked for it: the API server writes that into a CertificateRequest where our policies are in force. */
function written(spec: unknown): object {
  const {
    username: _user,
    uid: _uid,
    groups: _groups,
    extra: _extra,
    ...rest
  } = spec as Record<string, unknown>
  return rest
}
