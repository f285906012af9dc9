import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfiguration } from '../../workers/configuration.ts'

const connection = (block: string) => readConfiguration({ CERTLOOM_K8S_API: block }).kubernetes

test('CERTLOOM_K8S_API is read as CoreDNS reads the block of k8s_api', () => {
  assert.deepEqual(connection('k8s_api {\n endpoint http://x\n}'), { endpoint: 'http://x' })
  assert.deepEqual(connection('k8s_api {\n endpoint https://x\n tls c.pem k.pem "the CA.pem"\n}'), {
    endpoint: 'https://x',
    tls: { cert: 'c.pem', key: 'k.pem', ca: 'the CA.pem' },
  })
  assert.deepEqual(connection('k8s_api {\n kubeconfig f # of the team\n}'), { kubeconfig: 'f' })
  assert.deepEqual(connection('k8s_api {\n endpoint http://x\n kubeconfig "my file" dev\n}'), {
    kubeconfig: 'my file',
    context: 'dev',
  })
})

test('a block that names neither endpoint nor kubeconfig leaves it to what holds without a block', () => {
  for (const block of ['', 'k8s_api', '# a comment\nk8s_api {\n}\n', 'k8s_api {\n tls a b c # unused\n}'])
    assert.deepEqual(connection(block), {}, block)
})

test('CERTLOOM_K8S_API goes before KUBECONFIG', () => {
  const both = { KUBECONFIG: 'other', CERTLOOM_K8S_API: 'k8s_api {\n endpoint https://x\n}' }
  assert.deepEqual(readConfiguration(both).kubernetes, { endpoint: 'https://x' })
  assert.deepEqual(readConfiguration({ KUBECONFIG: 'mine' }).kubernetes, { kubeconfig: 'mine' })
})

for (const [what, text, message] of [
  [
    'an unknown property',
    'k8s_api {\n namespaces a\n}',
    /line 2: unknown property "namespaces": known are endpoint/,
  ],
  ['a name of Object.prototype', 'k8s_api {\n constructor a\n}', /unknown property "constructor"/],
  ['endpoint without URL', 'k8s_api {\n endpoint\n}', /endpoint has 0 arguments: write endpoint URL/],
  ['two URLs', 'k8s_api {\n endpoint a b\n}', /endpoint has 2 arguments/],
  ['tls with two files', 'k8s_api {\n tls a b\n}', /tls has 2 arguments: write tls CERT KEY CACERT/],
  ['kubeconfig without file', 'k8s_api {\n kubeconfig\n}', /write kubeconfig KUBECONFIG \[CONTEXT\]/],
  ['a property set twice', 'k8s_api {\n endpoint a\n endpoint b\n}', /line 3: endpoint is set twice/],
  ['a second block', 'k8s_api {\n}\nk8s_api {\n}', /only once/],
  ['an argument of the block', 'k8s_api cluster {\n}', /write k8s_api \{/],
  ['another block', 'kubernetes {\n}', /begin with k8s_api/],
  ['text behind the block', 'k8s_api {\n}\nendpoint a', /outside of the block/],
  ['an open block', 'k8s_api {\n endpoint a', /not closed/],
] as const) {
  test(`${what} in CERTLOOM_K8S_API is an error that names the setting and the remedy`, () => {
    assert.throws(() => connection(text), message)
    assert.throws(() => connection(text), /CERTLOOM_K8S_API: /)
  })
}
