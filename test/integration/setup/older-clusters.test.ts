import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { text } from 'node:stream/consumers'
import { connectKubernetes } from '../../../activities/clients/kubernetes.ts'
import { setup, SetupError } from '../../../cli/setup/setup.ts'

interface Answers {
  minor: string
  /** Status and message of a create of a Certificate. */
  create?: [status: number, message: string]
}

/** An API server of another version, as far as setup talks to it. */
async function olderServer(t: TestContext, { minor, create }: Answers) {
  const applied: { kind: string; metadata: { name: string; namespace?: string }; spec: unknown }[] = []
  const server = createServer((request, response) => {
    void text(request).then((received) => {
      const path = new URL(request.url ?? '', 'http://stub').pathname
      const body = (received === '' ? {} : JSON.parse(received)) as (typeof applied)[number]
      if (path === '/version')
        return answer(response, 200, { gitVersion: `v1.${minor}.1`, major: '1', minor })
      if (request.method === 'GET')
        return answer(response, 200, { resources: [{ name: 'validatingadmissionpolicies' }] })
      if (request.method === 'PATCH') {
        applied.push(body)
        return answer(response, 200, body)
      }
      if (create !== undefined) return refuse(response, ...create)
      const good =
        body.kind === 'CertificateRequest' && (body.spec as { request: string }).request.startsWith('LS0t')
      if (good) return answer(response, 201, body)
      const policy = { Certificate: 'certificates', Issuer: 'issuers' }[body.kind] ?? 'certificaterequests'
      refuse(response, 422, `ValidatingAdmissionPolicy '${policy}.certloom.dev' denied request: x`)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const kubernetes = await connectKubernetes({ endpoint })
  t.after(async () => {
    await kubernetes.close()
    server.close()
  })
  return { kubernetes, applied }
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function refuse(response: ServerResponse, code: number, message: string): void {
  answer(response, code, { kind: 'Status', code, message })
}

test('before Kubernetes 1.36 the identity policy is the one that allows an absent requester, and setup warns', async (t) => {
  const { kubernetes, applied } = await olderServer(t, { minor: '34+' })
  const lines: string[] = []
  await setup({ kubernetes, crds: false, leaseNamespace: 'elsewhere', log: (line) => lines.push(line) })
  assert.ok(
    lines.some((line) =>
      line.startsWith('warning: Kubernetes v1.34+.1 has no MutatingAdmissionPolicy v1 (1.36)'),
    ),
  )
  assert.ok(!applied.some(({ kind }) => kind.startsWith('Mutating')))
  const identity = applied.filter(
    ({ metadata }) => metadata.name === 'certificaterequest-identity.certloom.dev',
  )
  assert.deepEqual(
    identity.map(({ kind }) => kind),
    ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'],
  )
  assert.ok(JSON.stringify(identity[0]).includes('or absent'))
  const lease = applied.filter(({ metadata }) => metadata.namespace === 'elsewhere')
  assert.deepEqual(
    lease.map(({ kind }) => kind),
    ['Role', 'RoleBinding'],
  )
  assert.ok(!applied.some(({ metadata }) => metadata.namespace === 'kube-system'))
})

const failures: [title: string, answers: Answers, message: RegExp][] = [
  [
    'a cluster that is too old',
    { minor: '30' },
    /^Kubernetes v1\.30\.1 is too old .*: upgrade the cluster, or use --skip-policies/,
  ],
  [
    "cert-manager's webhook that is still registered",
    {
      minor: '35',
      create: [500, 'Internal error occurred: failed calling webhook "webhook.cert-manager.io"'],
    },
    /delete its ValidatingWebhookConfiguration and MutatingWebhookConfiguration cert-manager-webhook/,
  ],
  [
    'a user without rights',
    { minor: '35', create: [403, 'certificates.cert-manager.io is forbidden: User "x" cannot create'] },
    /^cannot try the policies .*: run setup as a cluster administrator \(certificates/,
  ],
]

for (const [title, answers, message] of failures) {
  test(`${title} is told at once, with what to do`, async (t) => {
    const { kubernetes } = await olderServer(t, answers)
    await assert.rejects(setup({ kubernetes, crds: false, rbac: false, log: () => undefined }), (error) => {
      assert.ok(error instanceof SetupError, String(error))
      assert.match(error.message, message)
      return true
    })
  })
}
