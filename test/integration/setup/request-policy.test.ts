import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { isStatus, type Kubernetes } from '../../../activities/clients/kubernetes.ts'
import type { CertificateRequest } from '../../../k8s-bridge/api/certificate-request.ts'
import { apiPath, apiVersionOf } from '../../../k8s-bridge/api/kinds.ts'
import { assertStatus, messageOf, refusal, TestCluster } from './support/cluster.ts'

const rules = 'certificaterequests.certloom.dev'
const approval = 'certificaterequest-approval.certloom.dev'
const cluster = await TestCluster.open()
after(() => cluster[Symbol.asyncDispose]())
const { namespace } = cluster
const requests = apiPath('CertificateRequest', namespace)

const csr = Buffer.from('-----BEGIN CERTIFICATE REQUEST-----\n').toString('base64')
const spec = (change: object = {}) => ({ request: csr, issuerRef: { name: 'ca' }, ...change })
const body = (name: string, change: object = {}, annotations: Record<string, string> = {}) => ({
  apiVersion: apiVersionOf('CertificateRequest'),
  kind: 'CertificateRequest',
  metadata: { name, annotations },
  spec: spec(change),
})

const user = await cluster.account('user', 'namespace', 'edit', 'certloom-worker')
const approver = await cluster.account('approver', 'namespace', 'certloom-worker')
await cluster.make('/apis/rbac.authorization.k8s.io/v1/clusterroles', {
  metadata: { name: `${namespace}-approve` },
  rules: [
    {
      apiGroups: ['cert-manager.io'],
      resources: ['signers'],
      verbs: ['approve'],
      resourceNames: [
        'issuers.cert-manager.io/*',
        `clusterissuers.cert-manager.io/only`,
        `awspcaissuers.awspca.cert-manager.io/${namespace}.mine`,
        'awspcaclusterissuers.awspca.cert-manager.io/shared',
        'stepissuers.certmanager.step.sm/*',
      ],
    },
  ],
} as { metadata: { name: string } })
await cluster.make('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
  metadata: { name: `${namespace}-approve` },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: `${namespace}-approve` },
  subjects: [{ kind: 'ServiceAccount', name: 'approver', namespace }],
} as { metadata: { name: string } })

const now = '2026-01-02T03:04:05Z'
const condition = (type: string, status = 'True', reason = 'Test') => ({
  ...{ type, status, reason, message: 'by a test', lastTransitionTime: now },
})

test('the requester is written into a request, whatever he wrote himself', async () => {
  const spoofed = {
    username: 'root',
    uid: '0',
    groups: ['system:masters'],
    extra: { 'example.com/x': ['y'] },
  }
  const created = await user.create<CertificateRequest>(requests, body('spoofed', spoofed))
  assert.equal(created.spec.username, `system:serviceaccount:${namespace}:user`)
  assert.notEqual(created.spec.uid, '0')
  assert.deepEqual(created.spec.groups, [
    'system:serviceaccounts',
    `system:serviceaccounts:${namespace}`,
    'system:authenticated',
  ])
  assert.ok(created.spec.extra?.['authentication.kubernetes.io/credential-id'])
  assert.ok(!('example.com/x' in created.spec.extra))
})

test('what the requester has not, no uid and no extra, is taken out of a request', async () => {
  const spoofed = { uid: '0', extra: { 'example.com/x': ['y'] } }
  const { status, body: made } = await cluster.create('CertificateRequest', spec(spoofed))
  assert.equal(status, 201)
  const { username, uid, extra } = (made as CertificateRequest).spec
  assert.ok(username)
  assert.equal(uid, undefined)
  assert.ok(!('example.com/x' in (extra ?? {})))
})

const bad: [name: string, spec: object | undefined, message: string][] = [
  ['no spec', undefined, 'spec is missing: set at least spec.request and spec.issuerRef'],
  ['no issuer name', spec({ issuerRef: { name: '' } }), 'spec.issuerRef.name is empty: name'],
  [
    'an unknown kind of issuer',
    spec({ issuerRef: { name: 'x', kind: 'StepIssuer' } }),
    'spec.issuerRef.kind is "StepIssuer": use Issuer or ClusterIssuer, or set spec.issuerRef.group',
  ],
  [
    'a CSR without PEM',
    spec({ request: 'aW52YWxpZC1jc3I=' }),
    'spec.request holds no PEM block: put the CSR there as PEM',
  ],
]

for (const [name, wrong, message] of bad) {
  test(`a CertificateRequest with ${name} is refused, the field first and the remedy after it`, async () => {
    const words = refusal(await cluster.create('CertificateRequest', wrong), rules)
    assert.ok(words.startsWith(message), words)
  })
}

test('cmctl check api finds the words that it looks for', async () => {
  // Its second probe; the first one looks for spec.username in the answer to a good request.
  const answer = await cluster.create('CertificateRequest', spec({ request: 'aW52YWxpZC1jc3I=' }))
  assert.match(messageOf(answer), /admission webhook "webhook\.cert-manager\.io" denied the request: (.*)/)
})

test('text may stand before the PEM block, at every distance', async () => {
  for (const before of ['a', 'ab', 'abc', 'some words\n']) {
    const request = Buffer.from(`${before}-----BEGIN CERTIFICATE REQUEST-----\n`).toString('base64')
    assertStatus(await cluster.create('CertificateRequest', spec({ request })), 201)
  }
})

test('spec cannot be changed', async () => {
  await user.create(requests, body('fixed'))
  const words = refusal(await cluster.merge(`${requests}/fixed`, { spec: { isCA: true } }), rules)
  assert.match(words, /^spec cannot be changed: .* create a new one$/)
})

test('annotations of cert-manager.io cannot be changed, added or removed; others can', async () => {
  const own = { 'cert-manager.io/certificate-name': 'shop', 'acme.cert-manager.io/x': 'y' }
  await user.create(requests, body('annotated', {}, { ...own, note: 'a' }))
  const change = (annotations: Record<string, string | null>) =>
    cluster.merge(`${requests}/annotated`, { metadata: { annotations } })
  const cases: [Record<string, string | null>, string][] = [
    [{ 'cert-manager.io/certificate-name': 'other' }, 'cert-manager.io/certificate-name'],
    [{ 'acme.cert-manager.io/x': null }, 'acme.cert-manager.io/x'],
    [{ 'cert-manager.io/new': 'z' }, 'cert-manager.io/new'],
  ]
  for (const [annotations, key] of cases) {
    const words = refusal(await change(annotations), rules)
    assert.ok(words.startsWith(`metadata.annotations["${key}"] cannot be changed, added or removed: `), words)
  }
  assertStatus(await change({ note: 'b', 'example.com/cert-manager.io': 'c' }), 200)
  assertStatus(await change({ note: null }), 200)
})

/** Adds conditions to the status as a controller does, in one write. */
async function write(who: Kubernetes, name: string, conditions: object[]): Promise<CertificateRequest> {
  const live = await who.get<CertificateRequest>(`${requests}/${name}`)
  return who.patch(`${requests}/${name}/status`, [
    { op: 'test', path: '/metadata/uid', value: live?.metadata.uid },
    { op: 'add', path: '/status', value: { ...live?.status, conditions } },
  ])
}

const forbidden = (words: string) => (error: unknown) => {
  assert.ok(isStatus(error, 403), String(error))
  assert.ok(error.message.includes(`'${approval}'`) && error.message.includes(words), error.message)
  return true
}
const invalid = (words: string) => (error: unknown) => {
  assert.ok(isStatus(error, 422), String(error))
  assert.ok(error.message.includes(`'${approval}'`) && error.message.includes(words), error.message)
  return true
}

test('approval without the right is forbidden, and the answer names user and right', async () => {
  await user.create(requests, body('no-right'))
  await assert.rejects(
    write(user, 'no-right', [condition('Approved')]),
    forbidden('status.conditions: user "'),
  )
  await assert.rejects(write(user, 'no-right', [condition('Denied')]), forbidden('status.conditions: user "'))
  const seen = await cluster.api.call('GET', `${requests}/no-right`)
  assert.equal((seen.body as CertificateRequest).status?.conditions, undefined)
})

test('other conditions need no right', async () => {
  await user.create(requests, body('pending'))
  const written = await write(user, 'pending', [condition('Ready', 'False', 'Pending')])
  assert.equal(written.status?.conditions?.length, 1)
})

test('approval with the right is accepted, also together with Ready in one write', async () => {
  await user.create(requests, body('approved'))
  const written = await write(approver, 'approved', [condition('Approved'), condition('Ready')])
  assert.equal(written.status?.conditions?.length, 2)
})

test('once approved, anybody who may write the status can go on without the right', async () => {
  await user.create(requests, body('goes-on'))
  await write(approver, 'goes-on', [condition('Approved')])
  const written = await write(user, 'goes-on', [condition('Approved'), condition('Ready')])
  assert.equal(written.status?.conditions?.length, 2)
})

test('Approved and Denied are only True, exclude each other, and stay as they are', async () => {
  await user.create(requests, body('conditions'))
  const set = (...conditions: object[]) => write(approver, 'conditions', conditions)
  await assert.rejects(set(condition('Approved', 'False')), invalid('status.conditions: Approved is Fal'))
  await assert.rejects(set(condition('Denied', 'Unknown')), invalid('status.conditions: Denied is Unk'))
  await assert.rejects(
    set(condition('Approved'), condition('Denied')),
    invalid('status.conditions: Approved and'),
  )
  await set(condition('Denied'))
  await assert.rejects(set(), invalid('status.conditions: Denied cannot'))
  await assert.rejects(set(condition('Approved')), invalid('status.conditions: Denied cannot'))
  await assert.rejects(set(condition('Denied', 'True', 'Other')), invalid('status.conditions: Denied cannot'))
  const later = { ...condition('Denied'), lastTransitionTime: '2026-01-02T03:04:06Z' }
  await assert.rejects(set(later), invalid('status.conditions: Denied cannot'))
  await set(condition('Denied'), condition('Ready', 'False', 'Denied'))
})

const rights: [issuer: { name: string; kind?: string; group?: string }, allowed: boolean][] = [
  [{ name: 'any', kind: '', group: '' }, true],
  [{ name: 'any', kind: 'Issuer', group: 'cert-manager.io' }, true],
  [{ name: 'only', kind: 'ClusterIssuer' }, true],
  [{ name: 'other', kind: 'ClusterIssuer' }, false],
  // A right on one cluster issuer must not cover an issuer of a namespace whose name spells the same, and vice versa.
  [{ name: `${namespace}.mine`, kind: 'AWSPCAClusterIssuer', group: 'awspca.cert-manager.io' }, false],
  [{ name: 'mine', kind: 'AWSPCAIssuer', group: 'awspca.cert-manager.io' }, true],
  [{ name: 'yours', kind: 'AWSPCAIssuer', group: 'awspca.cert-manager.io' }, false],
  [{ name: 'shared', kind: 'AWSPCAClusterIssuer', group: 'awspca.cert-manager.io' }, true],
  [{ name: 'any', kind: 'StepIssuer', group: 'certmanager.step.sm' }, true],
  [{ name: 'any', kind: 'StepClusterIssuer', group: 'certmanager.step.sm' }, false],
  [{ name: 'any', kind: 'Issuer', group: 'example.com' }, false],
]

for (const [index, [issuerRef, allowed]] of rights.entries()) {
  const { name, kind = '', group = '' } = issuerRef
  test(`the right to approve ${allowed ? 'covers' : 'does not cover'} "${kind}.${group}/${name.replace(namespace, 'ns')}"`, async () => {
    await user.create(requests, body(`right-${index}`, { issuerRef }))
    const written = write(approver, `right-${index}`, [condition('Approved')])
    if (allowed) assert.equal((await written).status?.conditions?.length, 1)
    else await assert.rejects(written, forbidden('status.conditions: user'))
  })
}
