import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, test } from 'node:test'
import type { Kubernetes } from '../../../activities/clients/kubernetes.ts'
import { LEASE_NAME, LEASE_NAMESPACE } from '../../../k8s-bridge/lease-record.ts'
import { apiPath, apiVersionOf, type Kind } from '../../../k8s-bridge/api/kinds.ts'
import { TestCluster } from './support/cluster.ts'

const cluster = await TestCluster.open()
after(() => cluster[Symbol.asyncDispose]())
const { namespace } = cluster

/** The account of `certloom all`: bridge, worker, approver and Lease. */
const controller = await cluster.as('cert-manager', 'cert-manager')
const worker = await cluster.account('worker', 'cluster', 'certloom-worker')
const bridge = await cluster.account('bridge', 'cluster', 'certloom-bridge')
const viewer = await cluster.account('viewer', 'namespace', 'view')
const editor = await cluster.account('editor', 'namespace', 'edit')

/** `group/resource/subresource`, the group empty for the core one. */
type Resource = `${string}/${string}`
interface Scope {
  namespace?: string
  name?: string
}

async function may(who: Kubernetes, verb: string, resource: Resource, scope: Scope = {}): Promise<boolean> {
  const [group = '', plural = '', subresource] = resource.split('/')
  const resourceAttributes = { verb, group, resource: plural, subresource, ...scope }
  const review = await who.create<{ status: { allowed: boolean } }>(
    '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } },
  )
  return review.status.allowed
}

const kubeSystem = { namespace: LEASE_NAMESPACE }
const lease = { ...kubeSystem, name: LEASE_NAME }
const ours = { namespace, name: 'x' }
const builtIn = { name: 'issuers.cert-manager.io/*' }
const builtInCluster = { name: 'clusterissuers.cert-manager.io/*' }

const tables: Record<
  string,
  { who: Kubernetes; yes: [string, Resource, Scope?][]; no: [string, Resource, Scope?][] }
> = {
  controller: {
    who: controller,
    yes: [
      ['list', '/secrets'],
      ['watch', 'cert-manager.io/certificates'],
      ['patch', 'cert-manager.io/certificates/status'],
      ['approve', 'cert-manager.io/signers', builtIn],
      ['approve', 'cert-manager.io/signers', builtInCluster],
      ['create', 'coordination.k8s.io/leases', kubeSystem],
      ['get', 'coordination.k8s.io/leases', lease],
      ['update', 'coordination.k8s.io/leases', lease],
      ['get', '/namespaces', { name: 'kube-system' }],
    ],
    no: [
      ['approve', 'cert-manager.io/signers', { name: 'awspcaissuers.awspca.cert-manager.io/*' }],
      ['update', 'coordination.k8s.io/leases', { ...kubeSystem, name: 'kube-controller-manager' }],
      ['create', 'coordination.k8s.io/leases', { namespace }],
      ['list', '/namespaces'],
      ['create', '/serviceaccounts/token', ours],
      ['create', 'rbac.authorization.k8s.io/clusterrolebindings'],
      ['create', 'admissionregistration.k8s.io/validatingadmissionpolicies'],
      ['impersonate', '/users'],
      ['create', '/pods/exec', ours],
      ['delete', 'cert-manager.io/issuers', ours],
    ],
  },
  worker: {
    who: worker,
    yes: [
      ['get', '/secrets', ours],
      ['patch', '/secrets', ours],
      ['delete', '/secrets', ours],
      ['list', 'acme.cert-manager.io/challenges'],
      ['list', 'acme.cert-manager.io/orders'],
      ['list', 'cert-manager.io/certificaterequests'],
      ['update', 'cert-manager.io/certificates/finalizers', ours],
      ['update', 'acme.cert-manager.io/orders/finalizers', ours],
      ['patch', 'cert-manager.io/clusterissuers/status'],
      ['create', '/events', ours],
      ['get', '/namespaces', { name: namespace }],
      ['deletecollection', 'acme.cert-manager.io/challenges', ours],
    ],
    no: [
      ['list', '/namespaces'],
      ['list', '/secrets'],
      ['list', '/secrets', { namespace }],
      ['watch', '/secrets'],
      ['deletecollection', '/secrets', { namespace }],
      ['create', 'cert-manager.io/issuers', ours],
      ['approve', 'cert-manager.io/signers', builtIn],
      ['update', 'coordination.k8s.io/leases', lease],
      ['patch', 'cert-manager.io/certificates', ours],
      ['patch', 'cert-manager.io/clusterissuers'],
      ['patch', 'cert-manager.io/certificaterequests', ours],
      ['update', '/secrets', ours],
      ['create', '/pods', ours],
      ['create', '/services', ours],
      ['create', 'networking.k8s.io/ingresses', ours],
    ],
  },
  bridge: {
    who: bridge,
    yes: [
      ['watch', '/secrets'],
      ['list', 'cert-manager.io/clusterissuers'],
      ['watch', 'acme.cert-manager.io/challenges'],
      ['create', '/events', ours],
    ],
    no: [
      ['create', '/secrets', ours],
      ['patch', 'cert-manager.io/certificates/status', ours],
      ['create', 'cert-manager.io/certificaterequests', ours],
      ['create', 'acme.cert-manager.io/challenges', ours],
    ],
  },
  viewer: {
    who: viewer,
    yes: [
      ['list', 'cert-manager.io/certificates', { namespace }],
      ['get', 'acme.cert-manager.io/orders', ours],
    ],
    no: [
      ['create', 'cert-manager.io/certificates', { namespace }],
      ['update', 'cert-manager.io/certificates/status', ours],
      ['list', 'cert-manager.io/certificates', { namespace: 'default' }],
    ],
  },
  editor: {
    who: editor,
    yes: [
      ['list', 'cert-manager.io/issuers', { namespace }],
      ['create', 'cert-manager.io/issuers', { namespace }],
      ['update', 'cert-manager.io/certificates/status', ours],
      ['patch', 'acme.cert-manager.io/challenges', ours],
      ['delete', 'acme.cert-manager.io/orders', ours],
    ],
    no: [
      ['create', 'acme.cert-manager.io/challenges', { namespace }],
      ['create', 'acme.cert-manager.io/orders', { namespace }],
      ['update', 'acme.cert-manager.io/orders', ours],
      ['update', 'cert-manager.io/certificaterequests/status', ours],
      ['approve', 'cert-manager.io/signers', builtIn],
      ['create', 'cert-manager.io/clusterissuers'],
    ],
  },
}

// The roles view and edit take ours up a moment after they were made.
await settled(() => may(editor, 'create', 'cert-manager.io/certificates', { namespace }))
await settled(() => may(viewer, 'list', 'cert-manager.io/certificates', { namespace }))

for (const [name, { who, yes, no }] of Object.entries(tables)) {
  test(`the ${name} may do what its work needs, and nothing more`, async () => {
    const ask = async (wanted: boolean, [verb, resource, scope]: [string, Resource, Scope?]) => {
      const text = `${verb} ${resource} ${JSON.stringify(scope ?? {})}`
      assert.equal(await may(who, verb, resource, scope), wanted, text)
    }
    for (const row of yes) await ask(true, row)
    for (const row of no) await ask(false, row)
  })
}

interface Made {
  metadata: { uid: string; name: string; finalizers?: string[] }
  spec: { username?: string }
}

test('the token of the controller carries a whole issuance through all policies', async () => {
  const make = (kind: Kind, name: string, content: object, who = controller): Promise<Made> =>
    who.create<Made>(apiPath(kind, namespace), {
      apiVersion: apiVersionOf(kind),
      kind,
      metadata: { name, namespace, ...(content as { metadata?: object }).metadata },
      ...Object.fromEntries(Object.entries(content).filter(([field]) => field !== 'metadata')),
    })
  const status = (kind: Kind, { metadata }: Made, value: object) =>
    controller.patch<Made>(apiPath(kind, namespace, metadata.name, 'status'), [
      { op: 'test', path: '/metadata/uid', value: metadata.uid },
      { op: 'add', path: '/status', value },
    ])
  const ownedBy = (kind: Kind, { metadata: { uid, name } }: Made) => ({
    ownerReferences: [
      { apiVersion: apiVersionOf(kind), kind, name, uid, controller: true, blockOwnerDeletion: true },
    ],
  })
  const request = Buffer.from('-----BEGIN CERTIFICATE REQUEST-----\n').toString('base64')
  const issuerRef = { name: 'acme' }
  const lastTransitionTime = '2026-01-02T03:04:05Z'
  const condition = (type: string) => ({
    type,
    status: 'True',
    reason: 'Test',
    message: '',
    lastTransitionTime,
  })

  const spec = { secretName: 'shop', issuerRef, dnsNames: ['a.example'] }
  const certificate = await make('Certificate', 'shop', { spec }, editor)
  await status('Certificate', certificate, { conditions: [condition('Issuing')] })
  const data = { 'tls.key': randomBytes(8).toString('base64') }
  await make('Secret', 'shop-next', { data, metadata: ownedBy('Certificate', certificate) })
  const made = await make('CertificateRequest', 'shop-1', {
    spec: { request, issuerRef },
    metadata: ownedBy('Certificate', certificate),
  })
  assert.equal(made.spec.username, 'system:serviceaccount:cert-manager:cert-manager')
  const order = await make('Order', 'shop-1-1', {
    spec: { request, issuerRef, dnsNames: ['a.example'] },
    metadata: ownedBy('CertificateRequest', made),
  })
  const url = 'https://acme.example/1'
  await status('Order', order, { url, state: 'pending', authorizations: [{ url }] })
  const challenge = await make('Challenge', 'shop-1-1-1', {
    metadata: { ...ownedBy('Order', order), finalizers: ['acme.cert-manager.io/finalizer'] },
    spec: {
      ...{
        url,
        authorizationURL: url,
        dnsName: 'a.example',
        type: 'DNS-01',
        token: 't',
        key: 'k',
        issuerRef,
      },
      solver: { dns01: { webhook: { groupName: 'certloom.dev', solverName: 'exec' } } },
    },
  })
  await status('Challenge', challenge, { state: 'valid', presented: true })
  await controller.patch(apiPath('Challenge', namespace, 'shop-1-1-1'), [
    { op: 'remove', path: '/metadata/finalizers' },
  ])
  await controller.delete(apiPath('Challenge', namespace, 'shop-1-1-1'))
  await status('CertificateRequest', made, {
    conditions: [condition('Approved'), condition('Ready')],
    certificate: request,
  })
  await controller.apply(
    apiPath('Secret', namespace, 'shop'),
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'shop' }, type: 'Opaque', data },
    { fieldManager: 'cert-manager-certificates-issuing', force: true },
  )
  await make('Event', 'shop.1', {
    involvedObject: { kind: 'Certificate', name: 'shop', namespace },
    reason: 'Issuing',
    message: 'x',
    type: 'Normal',
  })
  await controller.delete(apiPath('Secret', namespace, 'shop-next'))
  await controller.delete(apiPath('CertificateRequest', namespace, 'shop-1'))
})

test('cmctl renew works for a user with the role edit: PUT of the status with Issuing=True', async () => {
  const spec = { secretName: 'renew', issuerRef: { name: 'ca' }, dnsNames: ['renew.example'] }
  const path = apiPath('Certificate', namespace, 'renew')
  const body = {
    apiVersion: apiVersionOf('Certificate'),
    kind: 'Certificate',
    metadata: { name: 'renew' },
    spec,
  }
  const certificate = await editor.create<Made>(apiPath('Certificate', namespace), body)
  const conditions = [
    {
      type: 'Issuing',
      status: 'True',
      reason: 'ManuallyTriggered',
      message: 'Certificate re-issuance manually triggered',
      lastTransitionTime: '2026-01-02T03:04:05Z',
      observedGeneration: 1,
    },
  ]
  await editor.replace(`${path}/status`, { ...certificate, status: { conditions } })
  const live = await viewer.get<{ status: { conditions: unknown } }>(path)
  assert.deepEqual(live?.status.conditions, conditions)
})

/** Looks again, at most for 20 s, until it holds. */
async function settled(look: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!(await look())) {
    assert.ok(performance.now() < deadline, 'the cluster did not come to rest within 20 s')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
