import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createRequest,
  encodePrivateKey,
  generatePrivateKey,
  signRequest,
} from '../../activities/clients/x509.ts'
import type { Kubernetes } from '../../activities/clients/kubernetes.ts'
import type { Certificate } from '../../k8s-bridge/api/certificate.ts'
import { isGood } from '../../tools/demo/report.ts'
import { inspectResult, type IssuedResult } from '../../tools/demo/result.ts'
import { desired, root } from '../x509/authority.ts'

const wanted = ['example.com', '*.example.com']

interface Story {
  /** Names of the certificate; by default the wanted ones. */
  names?: string[]
  otherKey?: boolean
  otherRoot?: boolean
}

/** What the demo finds where a CA issued a certificate that is right but for what the story says. */
async function inspect({
  names = wanted,
  otherKey = false,
  otherRoot = false,
}: Story): Promise<IssuedResult> {
  const now = new Date()
  const authority = await root('Demo Root', { from: now })
  const key = await generatePrivateKey({ algorithm: 'ECDSA' })
  const { certificatePem } = await signRequest({
    csrPem: await createRequest(desired({ dnsNames: names }), key),
    issuer: { kind: 'ca', certificatePem: authority.chain, key: authority.key },
    durationSeconds: 3600,
    isCA: false,
    now,
  })
  const stored = otherKey ? await generatePrivateKey({ algorithm: 'ECDSA' }) : key
  const secret = {
    metadata: { namespace: 'demo', name: 'site-tls', labels: { a: 'b' } },
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': base64(certificatePem), 'tls.key': base64(encodePrivateKey(stored)) },
  }
  const kubernetes = { get: () => Promise.resolve(secret) } as unknown as Kubernetes
  const certificate: Certificate = {
    metadata: { namespace: 'demo', name: 'site' },
    spec: { ...desired({ dnsNames: wanted }), secretName: 'site-tls' } as Certificate['spec'],
  }
  const trusted = otherRoot ? await root('Demo Root', { from: now }) : authority
  return inspectResult(kubernetes, certificate, trusted.certificate)
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

test('a certificate with the right chain, key and names is good', async () => {
  const result = await inspect({})
  assert.equal(isGood(result), true)
  assert.deepEqual(result.dnsNames, wanted)
  assert.deepEqual(result.secret, {
    name: 'demo/site-tls',
    type: 'kubernetes.io/tls',
    keys: ['tls.crt', 'tls.key'],
    labels: ['a=b'],
  })
})

test('a chain that leads to another root is not good', async () => {
  const result = await inspect({ otherRoot: true })
  assert.equal(isGood(result), false)
  assert.deepEqual([result.chain.good, result.key.good, result.names.good], [false, true, true])
})

test('a key that is not that of the certificate is not good', async () => {
  const result = await inspect({ otherKey: true })
  assert.equal(isGood(result), false)
  assert.deepEqual([result.chain.good, result.key.good, result.names.good], [true, false, true])
})

test('a certificate without one of the names is not good', async () => {
  const result = await inspect({ names: ['example.com'] })
  assert.equal(isGood(result), false)
  assert.equal(result.names.good, false)
  assert.match(result.chain.finding, /not good for the name www\.example\.com/)
})

test('a certificate with a name that nobody asked for is not good', async () => {
  const result = await inspect({ names: [...wanted, 'example.org'] })
  assert.equal(isGood(result), false)
  assert.deepEqual([result.chain.good, result.key.good, result.names.good], [true, true, false])
})
