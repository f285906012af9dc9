import assert from 'node:assert/strict'
import { test } from 'node:test'
import type * as z from 'zod'
import { certificateRequest } from '../../k8s-bridge/api/certificate-request.ts'
import { certificate, type CertificateSpec } from '../../k8s-bridge/api/certificate.ts'
import { challenge } from '../../k8s-bridge/api/challenge.ts'
import { chosen } from '../../k8s-bridge/api/choice.ts'
import { clusterIssuer } from '../../k8s-bridge/api/cluster-issuer.ts'
import { describeIssues } from '../../k8s-bridge/api/issues.ts'
import { issuer } from '../../k8s-bridge/api/issuer.ts'
import { issuerTypes } from '../../k8s-bridge/api/issuer/spec.ts'
import { order } from '../../k8s-bridge/api/order.ts'
import { dns01Providers } from '../../k8s-bridge/api/solver/dns01.ts'
import type { DesiredCertificate } from '../../workflows/domain/desired.ts'

const metadata = { name: 'shop', namespace: 'web', uid: 'u-1', resourceVersion: '7', generation: 2 }
const issuerRef = { name: 'ca' }

function problemsOf(schema: z.ZodType, object: unknown): string {
  const result = schema.safeParse(object)
  assert.ok(!result.success, 'the object was accepted')
  return describeIssues(result.error)
}

function certificateWith(spec: Record<string, unknown>) {
  return { metadata, spec: { secretName: 'shop-tls', issuerRef, dnsNames: ['example.com'], ...spec } }
}

test('a certificate spec is what the domain rules decide by', () => {
  const spec: CertificateSpec = certificate.parse(
    certificateWith({ renewal: { policy: 'Disabled' }, otherNames: [{ oid: '1.2.3', utf8Value: 'x' }] }),
  ).spec
  const desired: DesiredCertificate = spec
  assert.deepEqual(desired, {
    secretName: 'shop-tls',
    issuerRef,
    dnsNames: ['example.com'],
    renewal: { policy: 'Disabled' },
    otherNames: [{ oid: '1.2.3', utf8Value: 'x' }],
  })
})

test('a live object is read with its metadata, and fields of the future are left out', () => {
  const parsed = certificate.parse({
    apiVersion: 'cert-manager.io/v1',
    kind: 'Certificate',
    metadata: {
      ...metadata,
      creationTimestamp: '2026-11-22T04:11:00Z',
      labels: { app: 'shop' },
      finalizers: ['x'],
      ownerReferences: [{ apiVersion: 'v1', kind: 'Ingress', name: 'i', uid: 'u', controller: true }],
      managedFields: [{ manager: 'kubectl', fieldsV1: { 'f:spec': {} } }],
      selfLink: '/old',
    },
    spec: { secretName: 'shop-tls', issuerRef, fromTheFuture: true },
  })
  assert.equal(parsed.metadata.ownerReferences?.[0]?.controller, true)
  assert.equal(parsed.metadata.labels?.app, 'shop')
  assert.ok(!('selfLink' in parsed.metadata))
  assert.deepEqual(parsed.spec, { secretName: 'shop-tls', issuerRef })
})

test('reading adds no defaults to a Certificate', () => {
  assert.deepEqual(certificate.parse(certificateWith({})), certificateWith({}))
})

test('conditions of other controllers survive', () => {
  const conditions = [
    { type: 'Ready', status: 'True', reason: 'Ready', observedGeneration: 2 },
    { type: 'example.com/Audited', status: 'Unknown', message: 'not yet' },
  ]
  const parsed = certificate.parse({ ...certificateWith({}), status: { conditions, revision: 3 } })
  assert.deepEqual(parsed.status, { conditions, revision: 3 })
})

test('a bad field of a Certificate is named with its path and what it should be', () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ privateKey: { size: '2048' } }, 'spec.privateKey.size: must be a number, not a string'],
    [{ privateKey: { size: 2048.5 } }, 'spec.privateKey.size: must be an integer'],
    [
      { privateKey: { algorithm: 'DSA' } },
      'spec.privateKey.algorithm: must be one of "RSA", "ECDSA", "Ed25519"',
    ],
    [{ dnsNames: ['a.example', 7] }, 'spec.dnsNames[1]: must be a string, not a number'],
    [{ dnsNames: 'a.example' }, 'spec.dnsNames: must be a list, not a string'],
    [{ issuerRef: {} }, 'spec.issuerRef.name: is required'],
    [{ renewal: {} }, 'spec.renewal.policy: must be one of "RenewBefore", "Disabled"'],
    [
      { renewal: { policy: 'RenewBefore', windows: [{ cron: '', windowDuration: '1h' }] } },
      'spec.renewal.windows[0].cron: must not be empty',
    ],
    [{ isCA: 'yes' }, 'spec.isCA: must be true or false, not a string'],
    [
      { secretTemplate: { labels: { 'a/b': 1 } } },
      'spec.secretTemplate.labels["a/b"]: must be a string, not a number',
    ],
  ]
  for (const [spec, problem] of cases) assert.equal(problemsOf(certificate, certificateWith(spec)), problem)
})

test('durations are those of Go', () => {
  for (const duration of ['2160h', '1h30m', '90m0.5s', '.5h', '0', '-5m', '300ms']) {
    assert.equal(certificate.parse(certificateWith({ duration })).spec.duration, duration)
  }
  for (const duration of ['90d', '', '1', 'h', '1h 30m', 'P90D', '5']) {
    assert.match(
      problemsOf(certificate, certificateWith({ duration })),
      /^spec\.duration: must be a Go duration such as 2160h/,
      duration,
    )
  }
})

test('a Secret name that is no name of an object is refused', () => {
  for (const secretName of ['', '..', 'a/b', 'Shop', '-a', 'a'.repeat(254)]) {
    assert.match(
      problemsOf(certificate, certificateWith({ secretName })),
      /^spec\.secretName: must be the name/,
    )
  }
})

test('several problems are told in one line, at most five of them', () => {
  const problems = problemsOf(certificate, certificateWith({ dnsNames: [1, 2, 3, 4, 5, 6, 7] }))
  assert.equal(problems.split('; ').length, 6)
  assert.match(problems, /; and 2 more$/)
})

test('an object without spec is refused although its CRD lets it be stored', () => {
  assert.equal(problemsOf(certificate, { metadata }), 'spec: is required')
  assert.equal(problemsOf(certificateRequest, { metadata }), 'spec: is required')
  assert.equal(problemsOf(certificate, 7), 'object: must be an object, not a number')
})

test('a password never appears in a problem', () => {
  const problems = problemsOf(
    certificate,
    certificateWith({ keystores: { jks: { create: true, password: ['hunter2'], alias: 3 } } }),
  )
  assert.match(problems, /spec\.keystores\.jks\.password: must be a string, not a list/)
  assert.doesNotMatch(problems, /hunter2/)
})

test('a CertificateRequest is read with its requester and result', () => {
  const request = {
    metadata,
    spec: {
      request: 'LS0tLS1CRUdJTg==',
      issuerRef: { name: 'x', kind: 'FooIssuer', group: 'foo.example' },
      usages: ['client auth'],
      username: 'system:serviceaccount:web:default',
      groups: ['system:authenticated'],
      extra: { 'authentication.kubernetes.io/pod-name': ['p'] },
    },
    status: {
      conditions: [{ type: 'Approved', status: 'True', lastTransitionTime: '2026-11-22T04:11:00Z' }],
      certificate: 'QUJD',
    },
  }
  assert.deepEqual(certificateRequest.parse(request), request)
  assert.equal(
    problemsOf(certificateRequest, { metadata, spec: { ...request.spec, request: 'not base64!' } }),
    'spec.request: must be base64',
  )
  assert.match(
    problemsOf(certificateRequest, { ...request, status: { failureTime: 'yesterday' } }),
    /^status\.failureTime: must be an RFC 3339 time/,
  )
})

const acme = { server: 'https://acme.example/directory', privateKeySecretRef: { name: 'account' } }

test('an issuer has exactly one type, and it can be asked for', () => {
  const parsed = issuer.parse({ metadata, spec: { ca: { secretName: 'root' } } })
  assert.equal(chosen(parsed.spec, issuerTypes), 'ca')
  assert.equal(
    chosen(clusterIssuer.parse({ metadata, spec: { selfSigned: {} } }).spec, issuerTypes),
    'selfSigned',
  )
  const message = 'spec: must have exactly one of acme, ca, selfSigned, vault, venafi'
  assert.equal(problemsOf(issuer, { metadata, spec: {} }), message)
  assert.equal(problemsOf(clusterIssuer, { metadata, spec: { acme, selfSigned: {} } }), message)
})

test('solvers are read with any configuration of a webhook, and one choice each', () => {
  const config = { plugin: 'googledns', secretRef: { name: 's', key: 'k' }, deep: [{ a: null }] }
  const dns01 = { webhook: { groupName: 'certloom.dev', solverName: 'exec', config } }
  const parsed = issuer.parse({
    metadata,
    spec: { acme: { ...acme, solvers: [{ selector: { dnsZones: ['example.com'] }, dns01 }] } },
  })
  const solver = parsed.spec.acme?.solvers?.[0]
  assert.deepEqual(solver?.dns01?.webhook?.config, config)
  assert.equal(chosen(solver?.dns01 ?? {}, dns01Providers), 'webhook')

  const problem = (entry: unknown) =>
    problemsOf(issuer, { metadata, spec: { acme: { ...acme, solvers: [entry] } } })
  assert.equal(problem({}), 'spec.acme.solvers[0]: must have exactly one of http01, dns01')
  assert.match(
    problem({ dns01: { cnameStrategy: 'Follow' } }),
    /^spec\.acme\.solvers\[0\]\.dns01: must have exactly one/,
  )
  assert.match(
    problem({ http01: { ingress: {}, gatewayHTTPRoute: {} } }),
    /^spec\.acme\.solvers\[0\]\.http01: must have exactly one of ingress, gatewayHTTPRoute$/,
  )
  assert.equal(
    problem({ dns01, waitInsteadOfSelfCheck: '-1s' }),
    'spec.acme.solvers[0].waitInsteadOfSelfCheck: must not be negative',
  )
  assert.equal(
    problem({ dns01: { cloudflare: { apiTokenSecretRef: { key: 'x' } } } }),
    'spec.acme.solvers[0].dns01.cloudflare.apiTokenSecretRef.name: is required',
  )
  assert.equal(
    problem({ http01: { ingress: { podTemplate: { spec: { resources: { limits: { cpu: 'lots' } } } } } } }),
    'spec.acme.solvers[0].http01.ingress.podTemplate.spec.resources.limits.cpu: must be a quantity such as 100m, 64Mi or 2',
  )
})

test('Vault and Venafi issuers have exactly one way to log in and one platform', () => {
  const vault = { server: 'https://vault.example', path: 'pki/sign/web' }
  assert.match(
    problemsOf(issuer, { metadata, spec: { vault: { ...vault, auth: {} } } }),
    /^spec\.vault\.auth: must have exactly one of tokenSecretRef, appRole/,
  )
  assert.equal(
    problemsOf(issuer, { metadata, spec: { venafi: { zone: 'z' } } }),
    'spec.venafi: must have exactly one of tpp, cloud, ngts',
  )
})

test('an Order is read with its authorizations', () => {
  const object = {
    metadata,
    spec: { request: 'QUJD', issuerRef, dnsNames: ['example.com'] },
    status: {
      state: 'pending',
      url: 'https://acme.example/order/1',
      authorizations: [
        {
          url: 'https://acme.example/authz/1',
          identifier: 'example.com',
          wildcard: true,
          initialState: 'pending',
          challenges: [{ url: 'https://acme.example/chall/1', token: 't', type: 'dns-01' }],
        },
      ],
    },
  }
  assert.deepEqual(order.parse(object), object)
  assert.match(
    problemsOf(order, { ...object, status: { state: 'deactivated' } }),
    /^status\.state: must be one of "valid", "ready"/,
  )
})

test('a Challenge carries the solver that was chosen', () => {
  const object = {
    metadata,
    spec: {
      url: 'https://acme.example/chall/1',
      authorizationURL: 'https://acme.example/authz/1',
      dnsName: 'example.com',
      type: 'DNS-01',
      token: 't',
      key: 'k',
      solver: { dns01: { rfc2136: { nameserver: '192.0.2.1' } } },
      issuerRef,
    },
    status: { presented: true, processing: true, presentedAt: '2026-11-22T04:11:00.5+01:00' },
  }
  assert.deepEqual(challenge.parse(object), object)
  assert.match(
    problemsOf(challenge, { ...object, spec: { ...object.spec, type: 'dns-01' } }),
    /^spec\.type: must be one of "HTTP-01", "DNS-01"/,
  )
})
