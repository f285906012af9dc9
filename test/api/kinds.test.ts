import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiPath, apiVersionOf } from '../../k8s-bridge/api/kinds.ts'

test('paths lead to objects, namespaces and whole clusters, with or without a group', () => {
  assert.equal(apiPath('Certificate'), '/apis/cert-manager.io/v1/certificates')
  assert.equal(apiPath('Certificate', 'web'), '/apis/cert-manager.io/v1/namespaces/web/certificates')
  assert.equal(
    apiPath('Certificate', 'web', 'shop', 'status'),
    '/apis/cert-manager.io/v1/namespaces/web/certificates/shop/status',
  )
  assert.equal(apiPath('ClusterIssuer', undefined, 'ca'), '/apis/cert-manager.io/v1/clusterissuers/ca')
  assert.equal(
    apiPath('Challenge', 'web', 'x-1'),
    '/apis/acme.cert-manager.io/v1/namespaces/web/challenges/x-1',
  )
  assert.equal(apiPath('Secret', 'web', 'shop-tls'), '/api/v1/namespaces/web/secrets/shop-tls')
  assert.equal(apiPath('Namespace', undefined, 'kube-system'), '/api/v1/namespaces/kube-system')
  assert.equal(apiPath('Lease', 'a', 'b'), '/apis/coordination.k8s.io/v1/namespaces/a/leases/b')
  assert.equal(apiPath('Ingress', 'a'), '/apis/networking.k8s.io/v1/namespaces/a/ingresses')
})

test('the API version of the core group has no slash', () => {
  assert.equal(apiVersionOf('Secret'), 'v1')
  assert.equal(apiVersionOf('Order'), 'acme.cert-manager.io/v1')
})

test('a name that would lead to another object is refused without being repeated', () => {
  for (const name of ['..', '.', '', 'a/b', 'a%2fb', 'a?b', 'a#b', '../configmaps/x']) {
    assert.throws(
      () => apiPath('Secret', 'web', name),
      /^RangeError: name of Secret cannot stand in a path/,
      `name ${JSON.stringify(name)}`,
    )
    assert.throws(() => apiPath('Secret', name), /namespace of Secret/)
  }
})

test('a namespace must be there when the kind has one, and must not when it has none', () => {
  assert.throws(() => apiPath('Secret', undefined, 'x'), /Secret needs its namespace/)
  assert.throws(() => apiPath('ClusterIssuer', 'web', 'x'), /ClusterIssuer has no namespace/)
  assert.throws(() => apiPath('Certificate', 'web', undefined, 'status'), /needs a name/)
})
