import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import type { DesiredCertificate } from '../../workflows/domain/desired.ts'
import { problems } from '../../workflows/domain/validate-certificate.ts'
import { desired } from './facts.ts'

const fine: Record<string, Partial<DesiredCertificate>> = {
  'one DNS name': {},
  'a common name alone': { dnsNames: [], commonName: 'example.com' },
  'a literal subject with a common name alone': { dnsNames: undefined, literalSubject: 'O=x,CN=example' },
  'an empty subject beside a literal one': { literalSubject: 'CN=x', subject: { organizations: [] } },
  'all kinds of names': {
    dnsNames: ['*.example.com', '_srv.example.com', 'xn--mnchen-3ya.de'],
    ipAddresses: ['192.0.2.1', '2001:db8::1'],
    uris: ['spiffe://cluster.local/ns/a/sa/b', 'urn:x', 'relative/uri%20'],
    emailAddresses: ['a.b+c@example.com', 'root@[192.0.2.1]'],
    otherNames: [{ oid: '1.3.6.1.4.1.311.20.2.3', utf8Value: 'user@example.com' }],
  },
  'the shortest times': { duration: '1h', renewBefore: '5m' },
  'a percentage': { duration: '24h', renewBeforePercentage: 50 },
  'a percentage alone, whatever it is': { renewBeforePercentage: 100 },
  'a common name of 64 characters': { commonName: 'x'.repeat(64) },
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
  'every usage': { usages: ['signing', 'digital signature', 's/mime', 'netscape sgc'] },
  'name constraints of a CA': {
    isCA: true,
    nameConstraints: { permitted: { ipRanges: ['10.0.0.0/8', '2001:db8::/32'] } },
  },
  'renewal windows': {
    renewal: {
      policy: 'RenewBefore',
      windows: [{ cron: '0 2 * * sun', windowDuration: '1h30m', timezone: 'Europe/Berlin' }],
    },
  },
  'renewal switched off': { renewal: { policy: 'Disabled', windows: [] } },
}
for (const [name, changes] of Object.entries(fine)) {
  test(`${name}: nothing is wrong`, () => assert.deepEqual(problems({ ...desired, ...changes }), []))
}

const wrong: Record<string, [changes: Partial<DesiredCertificate>, field: string, message: RegExp]> = {
  'no name of a Secret': [{ secretName: '' }, 'spec.secretName', /is "": name a Secret in lower-case/],
  'a Secret in capitals': [{ secretName: 'Web' }, 'spec.secretName', /is "Web"/],
  'a Secret with a dot at the end': [
    { secretName: 'web.' },
    'spec.secretName',
    /ending with a letter or digit/,
  ],
  'a history limit of 0': [{ revisionHistoryLimit: 0 }, 'spec.revisionHistoryLimit', /must be 1 or more/],
  'no name of an issuer': [{ issuerRef: { name: '' } }, 'spec.issuerRef.name', /is empty: name the Issuer/],
  'a common name of 65 characters': [
    { commonName: 'x'.repeat(65) },
    'spec.commonName',
    /65 characters, more than 64: shorten it, or leave it out and put the name into spec.dnsNames/,
  ],
  'a literal common name of 65 characters': [
    { literalSubject: `CN=${'x'.repeat(65)}` },
    'spec.literalSubject',
    /65 characters/,
  ],
  'a literal subject beside a common name': [
    { literalSubject: 'CN=x', commonName: 'y' },
    'spec.commonName',
    /cannot be set beside spec.literalSubject/,
  ],
  'a literal subject beside a subject': [
    { literalSubject: 'CN=x', subject: { serialNumber: '1' } },
    'spec.subject',
    /cannot be set beside spec.literalSubject/,
  ],
  'a literal subject that cannot be read': [
    { literalSubject: 'CN' },
    'spec.literalSubject',
    /has "CN" where an attribute like "CN=example" belongs/,
  ],
  'an empty DNS name': [{ dnsNames: ['a', ''] }, 'spec.dnsNames[1]', /remove the entry/],
  'a DNS name in another script': [{ dnsNames: ['münchen.de'] }, 'spec.dnsNames[0]', /Punycode/],
  'a DNS name with a line feed': [
    { dnsNames: ['a\nb'] },
    'spec.dnsNames[0]',
    /is "a\\nb": write the name in ASCII/,
  ],
  'an address that is none': [{ ipAddresses: ['192.0.2.300'] }, 'spec.ipAddresses[0]', /like "192.0.2.1"/],
  'a network as address': [{ ipAddresses: ['10.0.0.0/8'] }, 'spec.ipAddresses[0]', /IPv4 or IPv6 address/],
  'a URI with a space': [{ uris: ['http://a b'] }, 'spec.uris[0]', /percent escapes/],
  'a URI with half an escape': [{ uris: ['http://a/%2'] }, 'spec.uris[0]', /percent escapes/],
  'an email address with a display name': [
    { emailAddresses: ['Ann <ann@example.com>'] },
    'spec.emailAddresses[0]',
    /without a display name/,
  ],
  'an email address without domain': [
    { emailAddresses: ['ann'] },
    'spec.emailAddresses[0]',
    /the address alone/,
  ],
  'an other name without oid': [
    { otherNames: [{ utf8Value: 'x' }] },
    'spec.otherNames[0].oid',
    /dotted object/,
  ],
  'an other name without value': [
    { otherNames: [{ oid: '1.2.3' }] },
    'spec.otherNames[0].utf8Value',
    /must be a text that is not empty/,
  ],
  'a duration that cannot be read': [
    { duration: '90d' },
    'spec.duration',
    /spec.duration has the unknown unit "d"/,
  ],
  'a duration under an hour': [{ duration: '59m' }, 'spec.duration', /is 59m0s: it must be at least 1h/],
  'a renewBefore under five minutes': [{ renewBefore: '299s' }, 'spec.renewBefore', /at least 5m/],
  'a renewBefore as long as the duration': [
    { duration: '24h', renewBefore: '24h' },
    'spec.renewBefore',
    /less than spec.duration \(24h0m0s\)/,
  ],
  'a renewBefore as long as the default duration': [
    { renewBefore: '2160h' },
    'spec.renewBefore',
    /2160h0m0s/,
  ],
  'a renewBefore beside a percentage': [
    { renewBefore: '1h', renewBeforePercentage: 30 },
    'spec.renewBefore',
    /cannot be set beside spec.renewBeforePercentage/,
  ],
  '0 percent of a duration': [
    { duration: '24h', renewBeforePercentage: 0 },
    'spec.renewBeforePercentage',
    /must be at least 1/,
  ],
  '100 percent of a duration': [
    { duration: '24h', renewBeforePercentage: 100 },
    'spec.renewBeforePercentage',
    /less than 5m after issuing; lower it/,
  ],
  'an RSA key of 1024 bits': [{ privateKey: { size: 1024 } }, 'spec.privateKey.size', /2048 to 8192 bits/],
  'an RSA key of 8193 bits': [{ privateKey: { size: 8193 } }, 'spec.privateKey.size', /2048 to 8192 bits/],
  'an ECDSA key of 512 bits': [
    { privateKey: { algorithm: 'ECDSA', size: 512 } },
    'spec.privateKey.size',
    /256, 384 or 521/,
  ],
  'a signature that the key cannot make': [
    { signatureAlgorithm: 'PureEd25519' },
    'spec.signatureAlgorithm',
    /no RSA key can make: use SHA256WithRSA, .* or change spec.privateKey.algorithm/,
  ],
  'an unknown usage': [{ usages: ['any', 'tls'] }, 'spec.usages[1]', /is "tls": use one of signing, /],
  'name constraints without CA': [
    { nameConstraints: { excluded: {} } },
    'spec.nameConstraints',
    /set spec.isCA to true or remove it/,
  ],
  'empty name constraints': [
    { isCA: true, nameConstraints: {} },
    'spec.nameConstraints',
    /set permitted or excluded/,
  ],
  'a range that is no network': [
    { isCA: true, nameConstraints: { excluded: { ipRanges: ['10.0.0.1'] } } },
    'spec.nameConstraints.excluded.ipRanges[0]',
    /in CIDR form/,
  ],
  'windows while renewal is off': [
    { renewal: { policy: 'Disabled', windows: [{ cron: '* * * * *', windowDuration: '1h' }] } },
    'spec.renewal.windows',
    /remove them or set the policy to RenewBefore/,
  ],
  'a window with a broken cron': [
    { renewal: { policy: 'RenewBefore', windows: [{ cron: '* * * *', windowDuration: '1h' }] } },
    'spec.renewal.windows[0].cron',
    /has 4 fields instead of five/,
  ],
  'a window without length': [
    { renewal: { policy: 'RenewBefore', windows: [{ cron: '* * * * *', windowDuration: '' }] } },
    'spec.renewal.windows[0].windowDuration',
    /is empty/,
  ],
  'a window in no time zone': [
    {
      renewal: {
        policy: 'RenewBefore',
        windows: [{ cron: '* * * * *', windowDuration: '1h', timezone: 'X/Y' }],
      },
    },
    'spec.renewal.windows[0].timezone',
    /"X\/Y" is no IANA time zone/,
  ],
}
for (const [name, [changes, field, message]] of Object.entries(wrong)) {
  test(`${name}: the field and the remedy are named`, () => {
    const found = problems({ ...desired, ...changes })
    assert.deepEqual(
      found.map((problem) => [problem.code, problem.field]),
      [['InvalidSpec', field]],
    )
    assert.match(found[0]?.message ?? '', message)
    assert.ok(found[0]?.message.startsWith(`${field} `))
  })
}

test('a Certificate that asks for no name has its own code', () => {
  const [found, ...more] = problems({ ...desired, dnsNames: [], literalSubject: 'O=x' })
  assert.deepEqual(more, [])
  assert.equal(found?.code, 'NoNames')
  assert.match(found.message, /set at least one of dnsNames/)
})

test('a kind that is not built in has its own code, with a hint at a forgotten group', () => {
  const [forgotten] = problems({ ...desired, issuerRef: { name: 'x', kind: 'AWSPCAIssuer' } })
  assert.equal(forgotten?.code, 'UnknownIssuerKind')
  assert.match(forgotten.message, /set spec.issuerRef.group if it is an external issuer/)
  const [meant] = problems({ ...desired, issuerRef: { name: 'x', kind: 'issuer', group: 'cert-manager.io' } })
  assert.equal(meant?.message, 'spec.issuerRef.kind is "issuer": use Issuer or ClusterIssuer')
})

test('a private key in a field is named by its field, and nothing repeats it', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const der = privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64')
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  // Each of these would be quoted in a message of its own.
  const found = problems({ ...desired, uris: ['urn:x', `urn: ${der}`], subject: { localities: [pem] } })
  assert.deepEqual(
    found.map(({ code, field, message }) => [code, field, message]),
    [
      ['spec.uris[1]', 'a private key in base64'],
      ['spec.subject.localities[0]', 'a PEM private key'],
    ].map(([field, what]) => [
      'InvalidSpec',
      field,
      `${field} holds ${what}: take it out and replace that key, since whoever may read this object has it`,
    ]),
  )
})

test('several problems are all named', () => {
  const found = problems({ ...desired, secretName: '', duration: '1m', dnsNames: [''] })
  assert.deepEqual(
    found.map(({ field }) => field),
    ['spec.secretName', 'spec.dnsNames[0]', 'spec.duration'],
  )
})
