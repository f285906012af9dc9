import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { apiPath } from '../../../k8s-bridge/api/kinds.ts'
import { problems } from '../../../workflows/domain/validate-certificate.ts'
import { assertStatus, refusal, TestCluster } from './support/cluster.ts'

const policy = 'certificates.certloom.dev'
const cluster = await TestCluster.open()
after(() => cluster[Symbol.asyncDispose]())

const base = { secretName: 'shop-tls', issuerRef: { name: 'ca' }, dnsNames: ['example.com'] }
const password = { create: true, password: 'changeit' }
const passwordSecretRef = { name: 'keystore', key: 'password' }

const good: Record<string, object> = {
  'one DNS name': {},
  'a common name alone': { dnsNames: [], commonName: 'example.com' },
  'a literal subject with a common name alone': { dnsNames: undefined, literalSubject: 'O=x,CN=example' },
  'an empty subject beside a literal one': { literalSubject: 'CN=x', subject: { organizations: [] } },
  'all kinds of names': {
    dnsNames: ['*.example.com', '_srv.example.com', 'xn--mnchen-3ya.de'],
    ipAddresses: ['192.0.2.1', '2001:db8::1', '::ffff:192.0.2.1', '::1'],
    uris: ['spiffe://cluster.local/ns/a/sa/b', 'urn:x', 'relative/uri%20'],
    emailAddresses: ['a.b+c@example.com', "o'neill@example.com", 'root@[192.0.2.1]'],
    otherNames: [{ oid: '1.3.6.1.4.1.311.20.2.3', utf8Value: 'user@example.com' }],
  },
  'the shortest times': { duration: '1h', renewBefore: '5m' },
  'times in any form of Go': { duration: '1.5h30m', renewBefore: '600000ms' },
  'a hundred years': { duration: '876000h', renewBefore: '+8760h' },
  'a percentage': { duration: '24h', renewBeforePercentage: 50 },
  'a percentage alone, whatever it is': { renewBeforePercentage: 100 },
  'a common name of 64 characters': { commonName: 'ä'.repeat(64) },
  'a key size of 0': { privateKey: { size: 0 } },
  'an ECDSA key and its signature': {
    privateKey: { algorithm: 'ECDSA', size: 521 },
    signatureAlgorithm: 'ECDSAWithSHA512',
  },
  'an Ed25519 key of any size': {
    privateKey: { algorithm: 'Ed25519', size: 1 },
    signatureAlgorithm: 'PureEd25519',
  },
  'an external issuer': { issuerRef: { name: 'x', kind: 'AWSPCAIssuer', group: 'awspca.cert-manager.io' } },
  'a ClusterIssuer with its group': {
    issuerRef: { name: 'x', kind: 'ClusterIssuer', group: 'cert-manager.io' },
  },
  'name constraints of a CA': {
    isCA: true,
    nameConstraints: { permitted: { ipRanges: ['10.0.0.0/8', '2001:db8::/32'] } },
  },
  'renewal windows': {
    renewal: {
      policy: 'RenewBefore',
      windows: [
        { cron: '0 2 * * SAT', windowDuration: '2h30m', timezone: 'Europe/Berlin' },
        { cron: '@daily', windowDuration: '1h' },
      ],
    },
  },
  'no renewal': { renewal: { policy: 'Disabled' } },
  'both keystores': { keystores: { jks: password, pkcs12: { create: true, passwordSecretRef } } },
  'both output formats': { additionalOutputFormats: [{ type: 'DER' }, { type: 'CombinedPEM' }] },
  'a template of the Secret': {
    secretTemplate: {
      labels: { app: 'shop', 'example.com/team': '' },
      annotations: { 'cert-manager.io/allow-direct-injection': 'true', 'Example.com/Note': 'any text: "x"' },
    },
  },
}

for (const [name, change] of Object.entries(good)) {
  test(`a Certificate with ${name} is accepted`, async () => {
    assertStatus(await cluster.create('Certificate', { ...base, ...change }), 201)
    assert.deepEqual(problems({ ...base, ...change }), [])
  })
}

/** Message of the policy; where nothing else is said, the controller says the same of a stored object. */
const bad: Record<string, { change: object; message: string; controller?: 'other words' | 'nothing' }> = {
  'no name at all': {
    change: { dnsNames: [] },
    message: 'spec asks for no name: set at least one of dnsNames, commonName (also inside literalSubject)',
  },
  'a literal subject without a name': {
    change: { dnsNames: undefined, literalSubject: 'O=x' },
    message: 'spec asks for no name',
  },
  'a Secret that cannot be named': {
    change: { secretName: 'Shop_TLS' },
    message: 'spec.secretName is "Shop_TLS": name',
  },
  'an empty Secret name': { change: { secretName: '' }, message: 'spec.secretName is "": name a Secret' },
  'an issuer without name': {
    change: { issuerRef: { name: '' } },
    message: 'spec.issuerRef.name is empty: name',
  },
  'an unknown kind of issuer': {
    change: { issuerRef: { name: 'x', kind: 'AWSPCAIssuer' } },
    message:
      'spec.issuerRef.kind is "AWSPCAIssuer": use Issuer or ClusterIssuer, or set spec.issuerRef.group if it is an external issuer',
  },
  'an unknown kind of the built-in group': {
    change: { issuerRef: { name: 'x', kind: 'issuer', group: 'cert-manager.io' } },
    message: 'spec.issuerRef.kind is "issuer": use Issuer or ClusterIssuer',
  },
  'a long common name': {
    change: { commonName: 'x'.repeat(65) },
    message: 'spec.commonName has a common name of 65 characters, more than 64: shorten it',
  },
  'a common name beside a literal subject': {
    change: { commonName: 'x', literalSubject: 'CN=x' },
    message: 'spec.commonName cannot be set beside spec.literalSubject: put',
  },
  'a subject beside a literal subject': {
    change: { literalSubject: 'CN=x', subject: { countries: ['DE'] } },
    message: 'spec.subject cannot be set beside spec.literalSubject: put',
  },
  'a DNS name with a space': {
    change: { dnsNames: ['a.example', 'b c'] },
    message: 'spec.dnsNames[1] is "b c": write',
  },
  'an empty DNS name': {
    change: { dnsNames: [''] },
    message: 'spec.dnsNames[0] is "": write',
    controller: 'other words',
  },
  'no IP address': {
    change: { ipAddresses: ['192.0.2.1', '192.0.2.256'] },
    message: 'spec.ipAddresses[1] is "192.0.2.256": write',
  },
  'a network for an address': {
    change: { ipAddresses: ['10.0.0.0/8'] },
    message: 'spec.ipAddresses[0] is "10.0.0.0/8"',
  },
  'a URI with a broken escape': {
    change: { uris: ['urn:%zz'] },
    message: 'spec.uris[0] is "urn:%zz": write a URI',
  },
  'an email address with a display name': {
    change: { emailAddresses: ['Ann <ann@example.com>'] },
    message: 'spec.emailAddresses[0] is "Ann <ann@example.com>": write the address alone',
  },
  'an other name without type': {
    change: { otherNames: [{ utf8Value: 'x' }] },
    message: 'spec.otherNames[0].oid is "": write a dotted object identifier',
  },
  'an other name of no type': {
    change: { otherNames: [{ oid: '1.40.1', utf8Value: 'x' }] },
    message: 'spec.otherNames[0].oid is "1.40.1": write',
  },
  'an other name without value': {
    change: { otherNames: [{ oid: '1.2.3', utf8Value: 'x' }, { oid: '1.2.3' }] },
    message: 'spec.otherNames[1].utf8Value is "": write a text that is not empty',
    controller: 'other words',
  },
  'less than an hour': {
    change: { duration: '59m' },
    message: 'spec.duration is 59m: it must be at least 1h',
    controller: 'other words',
  },
  days: {
    change: { duration: '90d' },
    message: 'spec.duration is "90d": write numbers with units, like "2160h"',
    controller: 'other words',
  },
  'an empty duration': {
    change: { duration: '' },
    message: 'spec.duration is "": write numbers with units',
    controller: 'other words',
  },
  'a negative duration': {
    change: { duration: '-2h' },
    message: 'spec.duration is -2h: it must be at least 1h',
    controller: 'other words',
  },
  'a renewal time that is no duration': {
    change: { renewBefore: 'soon' },
    message: 'spec.renewBefore is "soon": write numbers with units',
    controller: 'other words',
  },
  'a renewal less than 5 minutes before expiry': {
    change: { renewBefore: '4m59s' },
    message: 'spec.renewBefore is 4m59s: it must be at least 5m',
  },
  'a renewal before issuing': {
    change: { duration: '24h', renewBefore: '24h' },
    message: 'spec.renewBefore is 24h: it must be less than spec.duration (24h)',
    controller: 'other words',
  },
  'a renewal before issuing with the default lifetime': {
    change: { renewBefore: '2160h' },
    message: 'spec.renewBefore is 2160h: it must be less than spec.duration (2160h)',
    controller: 'other words',
  },
  'renewBefore twice': {
    change: { renewBefore: '10h', renewBeforePercentage: 10 },
    message: 'spec.renewBefore cannot be set beside spec.renewBeforePercentage: remove one of them',
  },
  'a percentage of 0': {
    change: { duration: '24h', renewBeforePercentage: 0 },
    message: 'spec.renewBeforePercentage is 0: it must be at least 1',
  },
  'a percentage of 100': {
    change: { duration: '24h', renewBeforePercentage: 100 },
    message: 'spec.renewBeforePercentage is 100: renewal would come less than 5m after issuing; lower it',
  },
  'windows without renewal': {
    change: { renewal: { policy: 'Disabled', windows: [{ cron: '@daily', windowDuration: '1h' }] } },
    message: 'spec.renewal.windows cannot be set while spec.renewal.policy is Disabled: remove',
  },
  'no renewal policy': {
    change: { renewal: { windows: [] } },
    message: 'spec.renewal.policy is "": use RenewBefore or Disabled',
    controller: 'other words',
  },
  'a window that opens never': {
    change: { renewal: { policy: 'RenewBefore', windows: [{ cron: '0 2 * *', windowDuration: '1h' }] } },
    message: 'spec.renewal.windows[0].cron is "0 2 * *": write five cron fields',
    controller: 'other words',
  },
  'a window that closes at once': {
    change: { renewal: { policy: 'RenewBefore', windows: [{ cron: '@daily', windowDuration: '0h' }] } },
    message: 'spec.renewal.windows[0].windowDuration is "0h": write a duration greater than 0',
    controller: 'other words',
  },
  'a short RSA key': {
    change: { privateKey: { size: 1024 } },
    message: 'spec.privateKey.size is 1024: an RSA key has 2048 to 8192 bits',
  },
  'a long RSA key': {
    change: { privateKey: { algorithm: 'RSA', size: 16384 } },
    message: 'spec.privateKey.size is 16384: an RSA key',
  },
  'an ECDSA key of no curve': {
    change: { privateKey: { algorithm: 'ECDSA', size: 512 } },
    message: 'spec.privateKey.size is 512: an ECDSA key has 256, 384 or 521 bits',
  },
  'a signature that the key cannot make': {
    change: { signatureAlgorithm: 'ECDSAWithSHA256' },
    message: 'spec.signatureAlgorithm is "ECDSAWithSHA256", which no RSA key can make: use SHA256WithRSA',
  },
  'no history': {
    change: { revisionHistoryLimit: 0 },
    message: 'spec.revisionHistoryLimit is 0: it must be 1 or more',
  },
  'a label that is none': {
    change: { secretTemplate: { labels: { 'a b': 'x' } } },
    message: 'spec.secretTemplate.labels has the key "a b": write a label name',
    controller: 'nothing',
  },
  'a label value that is none': {
    change: { secretTemplate: { labels: { app: 'a b' } } },
    message: 'spec.secretTemplate.labels["app"] is no label value: use at most 63',
    controller: 'nothing',
  },
  'an annotation that is none': {
    change: { secretTemplate: { annotations: { 'a/b/c': 'x' } } },
    message: 'spec.secretTemplate.annotations has the key "a/b/c": write a name',
    controller: 'nothing',
  },
  'an annotation that the controller writes': {
    change: { secretTemplate: { annotations: { 'cert-manager.io/issuer-name': 'x' } } },
    message: 'spec.secretTemplate.annotations has the key "cert-manager.io/issuer-name": remove it',
    controller: 'nothing',
  },
  'an output format twice': {
    change: { additionalOutputFormats: [{ type: 'DER' }, { type: 'DER' }] },
    message: 'spec.additionalOutputFormats names a type twice: remove one of the entries',
    controller: 'nothing',
  },
  'a JKS keystore without password': {
    change: { keystores: { jks: { create: true } } },
    message: 'spec.keystores.jks needs exactly one of password and passwordSecretRef: set one',
    controller: 'nothing',
  },
  'a PKCS#12 keystore with two passwords': {
    change: { keystores: { pkcs12: { ...password, passwordSecretRef } } },
    message: 'spec.keystores.pkcs12 needs exactly one of password and passwordSecretRef: set one',
    controller: 'nothing',
  },
  'an empty password': {
    change: { keystores: { jks: { create: true, password: '' } } },
    message: 'spec.keystores.jks.password is empty: set a password',
    controller: 'nothing',
  },
  'name constraints of no CA': {
    change: { nameConstraints: { excluded: { dnsDomains: ['example.com'] } } },
    message: 'spec.nameConstraints needs a CA certificate: set spec.isCA to true or remove it',
  },
  'empty name constraints': {
    change: { isCA: true, nameConstraints: { critical: true } },
    message: 'spec.nameConstraints is empty: set permitted or excluded, or remove it',
  },
  'an address for a network': {
    change: { isCA: true, nameConstraints: { permitted: { ipRanges: ['10.0.0.1'] } } },
    message: 'spec.nameConstraints.permitted.ipRanges[0] is "10.0.0.1": write a network in CIDR form',
  },
  'no network': {
    change: { isCA: true, nameConstraints: { excluded: { ipRanges: ['10.0.0.0/33'] } } },
    message: 'spec.nameConstraints.excluded.ipRanges[0] is "10.0.0.0/33": write a network in CIDR form',
  },
}

for (const [name, { change, message, controller }] of Object.entries(bad)) {
  test(`a Certificate with ${name} is refused, the field first and the remedy after it`, async () => {
    const answer = await cluster.create('Certificate', { ...base, ...change })
    assertStatus(answer, 422)
    const words = refusal(answer, policy)
    assert.ok(words.startsWith(message), words)
    const found = problems({ ...base, ...change }).map((problem) => problem.message)
    if (controller === 'nothing') assert.deepEqual(found, [])
    else if (controller === 'other words') assert.ok(found.length > 0)
    else assert.equal(words, found.join('; '))
  })
}

test('all that is wrong is told in one answer, and how many more entries of a list are', async () => {
  const spec = {
    ...base,
    secretName: 'X',
    duration: '1m',
    ipAddresses: ['a', '::1', 'b', 'c'],
    privateKey: { size: 1 },
  }
  const parts = refusal(await cluster.create('Certificate', spec), policy).split('; ')
  assert.deepEqual(
    parts.map((part) => part.split(':')[0]),
    [
      'spec.secretName is "X"',
      'spec.ipAddresses[0] is "a"',
      'spec.privateKey.size is 1',
      'spec.duration is 1m',
    ],
  )
  assert.match(parts[1] ?? '', /\(and 2 more\)$/)
})

test('a Certificate without spec is refused', async () => {
  const words = refusal(await cluster.create('Certificate', undefined), policy)
  assert.ok(words.startsWith('spec is missing: set at least'), words)
})

test('huge and many values are cut, so that the answer still says what is wrong', async () => {
  const wide = '🙂'.repeat(5000)
  const spec = {
    ...base,
    secretName: wide,
    dnsNames: Array<string>(2000).fill(`${wide.slice(0, 200)}\n`),
    uris: [wide],
    duration: wide,
  }
  const words = refusal(await cluster.create('Certificate', spec), policy)
  assert.ok(words.startsWith(`spec.secretName is "${'🙂'.repeat(64)}": name`), words)
  assert.match(words, /\(and 1999 more\)/)
})

test('a thousand names are checked within the cost that the API server allows', async () => {
  const dnsNames = Array.from({ length: 1000 }, (_, index) => `host-${index}.example.com`)
  const ipAddresses = Array.from({ length: 1000 }, (_, index) => `10.1.${index >> 8}.${index & 255}`)
  assertStatus(await cluster.create('Certificate', { ...base, dnsNames, ipAddresses }), 201)
})

test('a change of labels passes whatever spec an older release stored, a change of spec does not', async () => {
  const path = apiPath('Certificate', cluster.namespace, 'changes')
  assertStatus(await cluster.create('Certificate', base, 'changes'), 201)
  assertStatus(await cluster.merge(path, { metadata: { labels: { team: 'a' } } }), 200)
  const words = refusal(await cluster.merge(path, { spec: { duration: '1m' } }), policy)
  assert.ok(words.startsWith('spec.duration is 1m'), words)
})
