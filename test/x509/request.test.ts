import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import {
  X509Error,
  createRequest,
  encodePrivateKey,
  generatePrivateKey,
  parseRequest,
  publicKeySha256,
  requestDer,
} from '../../activities/clients/x509.ts'
import { CertloomError } from '../../activities/failure.ts'
import type { DesiredCertificate } from '../../workflows/domain/desired.ts'
import type { FailureCode } from '../../workflows/domain/failures.ts'
import { desired } from './authority.ts'
import { made, openssl, withFiles } from './openssl.ts'

const key = await generatePrivateKey({ algorithm: 'ECDSA' })

function read(pem: string): string {
  const { ok, text } = openssl(
    ['req', '-noout', '-text', '-verify', '-nameopt', 'utf8,sep_comma_plus,sname'],
    pem,
  )
  assert.ok(ok, text)
  assert.match(text, /verify OK/)
  return text
}

async function textOf(spec: Partial<DesiredCertificate>): Promise<string> {
  return read(await createRequest(desired(spec), key))
}

function failsWith(code: FailureCode, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof CertloomError)
    assert.equal(error.failure.code, code)
    assert.match(error.failure.message, message)
    return true
  }
}

suite('the CSR of a Certificate', () => {
  test('holds every kind of name, and the usages, as openssl reads it', async () => {
    const text = await textOf({
      commonName: 'a.example.com',
      dnsNames: ['a.example.com', '*.b.example.com'],
      ipAddresses: ['10.0.0.1', '2001:db8::1', '::ffff:10.0.0.2'],
      uris: ['spiffe://cluster.local/ns/a/sa/b'],
      emailAddresses: ['ops@example.com'],
      otherNames: [{ oid: '1.3.6.1.4.1.311.20.2.3', utf8Value: 'jörg@example.com' }],
      usages: ['server auth', 'client auth', 'signing', 's/mime', 'decipher only'],
    })
    assert.match(text, /Subject: CN=a\.example\.com$/m)
    assert.match(text, /DNS:a\.example\.com, DNS:\*\.b\.example\.com/)
    assert.match(text, /IP Address:10\.0\.0\.1, IP Address:2001:DB8:0:0:0:0:0:1, IP Address:10\.0\.0\.2/)
    assert.match(text, /URI:spiffe:\/\/cluster\.local\/ns\/a\/sa\/b/)
    assert.match(text, /email:ops@example\.com/)
    assert.match(text, /othername: UPN::j/)
    assert.match(text, /X509v3 Key Usage: critical\s+Digital Signature, Decipher Only/)
    assert.match(
      text,
      /Extended Key Usage: \n\s+TLS Web Server Auth\w+, TLS Web Client Auth\w+, E-mail Protection/,
    )
    assert.doesNotMatch(text, /Basic Constraints/)
  })

  test('marks the alternative names critical only when the subject is empty', async () => {
    assert.match(await textOf({ dnsNames: ['a.example'] }), /Subject Alternative Name: critical/)
    assert.match(await textOf({ dnsNames: ['a.example'], commonName: 'a' }), /Subject Alternative Name: \n/)
  })

  test('asks for digital signature and key encipherment where usages are not set, and for cert sign as a CA', async () => {
    assert.match(
      await textOf({ commonName: 'a' }),
      /Key Usage: critical\s+Digital Signature, Key Encipherment\n/,
    )
    const ca = await textOf({ commonName: 'a', isCA: true, usages: ['crl sign'] })
    assert.match(ca, /Key Usage: critical\s+Certificate Sign, CRL Sign\n/)
  })

  test('leaves the usages out where encodeUsagesInRequest is false', async () => {
    const pem = await createRequest(desired({ commonName: 'a', encodeUsagesInRequest: false }), key)
    assert.doesNotMatch(read(pem), /Key Usage/)
    assert.equal(parseRequest(pem).usages, undefined)
  })

  test('orders the subject as cert-manager does, several values in one relative name', async () => {
    const text = await textOf({
      commonName: 'cn',
      subject: {
        serialNumber: '42',
        postalCodes: ['12345'],
        streetAddresses: ['Street 1'],
        provinces: ['BW'],
        localities: ['Ulm'],
        organizationalUnits: ['Ops'],
        organizations: ['Zett', 'Äpfel & Co'],
        countries: ['DE'],
      },
    })
    const subject = /Subject: (.*)$/m.exec(text)?.[1]
    assert.equal(
      subject,
      'C=DE,O=Zett+O=Äpfel & Co,OU=Ops,L=Ulm,ST=BW,street=Street 1,postalCode=12345,serialNumber=42,CN=cn',
    )
  })

  test('carries name constraints', async () => {
    const text = await textOf({
      commonName: 'ca',
      isCA: true,
      nameConstraints: {
        critical: true,
        permitted: { dnsDomains: ['example.com'], ipRanges: ['10.1.2.3/8', '2001:db8::/33'] },
        excluded: { emailAddresses: ['bad.example.com'], uriDomains: ['.evil.example'] },
      },
    })
    assert.match(text, /Name Constraints: critical/)
    assert.match(
      text,
      /Permitted:\s+DNS:example\.com\s+IP:10\.0\.0\.0\/255\.0\.0\.0\s+IP:2001:DB8:0:0:0:0:0:0\/FFFF:FFFF:8000:/,
    )
    assert.match(text, /Excluded:\s+email:bad\.example\.com\s+URI:\.evil\.example/)
  })

  const signatures: [DesiredCertificate['privateKey'], string | undefined, RegExp][] = [
    [{}, undefined, /sha256WithRSAEncryption/],
    [{}, 'SHA512WithRSA', /sha512WithRSAEncryption/],
    [{ size: 3072 }, undefined, /sha384WithRSAEncryption/],
    [{ algorithm: 'RSA', size: 4096 }, undefined, /sha512WithRSAEncryption/],
    [{ algorithm: 'ECDSA', size: 256 }, undefined, /ecdsa-with-SHA256/],
    [{ algorithm: 'ECDSA', size: 256 }, 'ECDSAWithSHA384', /ecdsa-with-SHA384/],
    [{ algorithm: 'ECDSA', size: 384 }, undefined, /ecdsa-with-SHA384/],
    [{ algorithm: 'ECDSA', size: 521 }, undefined, /ecdsa-with-SHA512/],
    [{ algorithm: 'Ed25519' }, undefined, /ED25519/i],
    [{ algorithm: 'Ed25519' }, 'PureEd25519', /ED25519/i],
  ]
  for (const [privateKey, signatureAlgorithm, expected] of signatures) {
    test(`${JSON.stringify(privateKey)} with ${signatureAlgorithm ?? 'no algorithm set'} signs ${expected}`, async () => {
      const own = await generatePrivateKey(privateKey)
      const pem = await createRequest(desired({ commonName: 'a', privateKey, signatureAlgorithm }), own)
      assert.match(read(pem), new RegExp(`Signature Algorithm: ${expected.source}`, 'i'))
      assert.equal(parseRequest(pem).signatureValid, true)
      assert.equal(parseRequest(pem).publicKeySha256, publicKeySha256(own))
    })
  }

  const refused: [Partial<DesiredCertificate>, FailureCode, RegExp][] = [
    [{}, 'NoNames', /^$/],
    [{ subject: { organizations: ['o'] } }, 'NoNames', /^$/],
    [{ literalSubject: 'O=o' }, 'NoNames', /^$/],
    [{ dnsNames: ['a', 'bücher.example'] }, 'InvalidSpec', /spec\.dnsNames\[1\].*punycode/],
    [{ dnsNames: [''] }, 'InvalidSpec', /spec\.dnsNames\[0\]/],
    [{ ipAddresses: ['10.0.0.256'] }, 'InvalidSpec', /spec\.ipAddresses\[0\]/],
    [{ ipAddresses: ['fe80::1%eth0'] }, 'InvalidSpec', /spec\.ipAddresses\[0\]/],
    [{ uris: ['http://ä'] }, 'InvalidSpec', /spec\.uris\[0\]/],
    [{ otherNames: [{ oid: '1.2.x', utf8Value: 'a' }] }, 'InvalidSpec', /spec\.otherNames\[0\]\.oid/],
    [{ otherNames: [{ oid: '1.2.3' }] }, 'InvalidSpec', /spec\.otherNames\[0\]\.utf8Value/],
    [{ commonName: 'a', usages: ['sign everything'] }, 'InvalidSpec', /spec\.usages\[0\]: "sign everything"/],
    [
      { commonName: 'a', signatureAlgorithm: 'SHA256WithRSA' },
      'InvalidSpec',
      /spec\.signatureAlgorithm.*ECDSA/,
    ],
    [{ commonName: 'a', signatureAlgorithm: 'MD5' }, 'InvalidSpec', /spec\.signatureAlgorithm/],
    [
      { commonName: 'a', nameConstraints: { excluded: { ipRanges: ['10.0.0.0/33'] } } },
      'InvalidSpec',
      /spec\.nameConstraints\.excluded\.ipRanges\[0\]/,
    ],
    [{ literalSubject: 'CN=a', commonName: 'b' }, 'InvalidSpec', /spec\.literalSubject/],
    [{ literalSubject: 'FOO=a' }, 'InvalidSpec', /spec\.literalSubject.*"FOO"/],
  ]
  for (const [spec, code, message] of refused) {
    test(`${JSON.stringify(spec)} is refused with ${code}`, async () => {
      await assert.rejects(createRequest(desired(spec), key), failsWith(code, message))
    })
  }
})

suite('reading a CSR', () => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/)
  const dnsName = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'))
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  const names = fc.record({
    commonName: fc.oneof(fc.constant(''), text),
    dnsNames: fc.uniqueArray(dnsName, { minLength: 1, maxLength: 5 }),
    ipAddresses: fc.uniqueArray(fc.ipV4(), { maxLength: 3 }),
    uris: fc.uniqueArray(fc.webUrl(), { maxLength: 2 }),
    emailAddresses: fc.uniqueArray(fc.emailAddress(), { maxLength: 2 }),
    otherNames: fc.array(
      fc.record({ oid: fc.constant('2.25.340282366920938463463374607431768211455'), utf8Value: text }),
      {
        maxLength: 2,
      },
    ),
  })

  test('gives back the names that went in', async () => {
    await fc.assert(
      fc.asyncProperty(names, async (spec) => {
        const facts = parseRequest(await createRequest(desired(spec), key))
        // fast-check's records have no prototype, which strict equality would see.
        assert.deepEqual({ ...facts, ...structuredClone(spec) }, facts)
        assert.equal(facts.signatureValid, true)
      }),
      { numRuns: 60 },
    )
  })

  test('gives back the subject that went in, as sets of values', async () => {
    const values = fc.uniqueArray(text, { minLength: 1, maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(
        fc.record({ organizations: values, localities: values, serialNumber: text }),
        async (subject) => {
          const facts = parseRequest(await createRequest(desired({ commonName: 'a', subject }), key))
          assert.deepEqual(new Set(facts.subject.organizations), new Set(subject.organizations))
          assert.deepEqual(new Set(facts.subject.localities), new Set(subject.localities))
          assert.equal(facts.subject.serialNumber, subject.serialNumber)
        },
      ),
      { numRuns: 40 },
    )
  })

  test('gives IPv6 addresses in the text of RFC 5952', async () => {
    const ipAddresses = [
      '2001:DB8:0:0:1:0:0:1',
      '::',
      '::1',
      '1::',
      'fe80:0:0:0:1:2:3:4',
      '1:2:3:4:5:6:7:0',
      '64:ff9b::192.0.2.1',
    ]
    const facts = parseRequest(await createRequest(desired({ ipAddresses }), key))
    assert.deepEqual(facts.ipAddresses, [
      '2001:db8::1:0:0:1',
      '::',
      '::1',
      '1::',
      'fe80::1:2:3:4',
      '1:2:3:4:5:6:7:0',
      '64:ff9b::c000:201',
    ])
  })

  test('understands a CSR of openssl with CA flag, usages and several kinds of names', () => {
    const own = made(['ecparam', '-name', 'secp384r1', '-genkey', '-noout'])
    const pem = withFiles({ key: own }, ({ key: path = '' }) =>
      made([
        ...[
          'req',
          '-new',
          '-key',
          path,
          '-subj',
          '/C=DE/O=Org/emailAddress=x@y.z/CN=host',
          '-utf8',
          '-sha512',
        ],
        ...['-addext', 'basicConstraints=critical,CA:TRUE,pathlen:3'],
        ...['-addext', 'keyUsage=keyCertSign,cRLSign', '-addext', 'extendedKeyUsage=serverAuth,1.2.3.4'],
        ...[
          '-addext',
          'subjectAltName=DNS:Host.example,IP:::1,RID:1.2.3,otherName:1.2.3.4;UTF8:upn,otherName:1.2.3.5;IA5:x',
        ],
      ]),
    )
    const facts = parseRequest(pem)
    assert.equal(facts.commonName, 'host')
    assert.deepEqual(facts.subject, { organizations: ['Org'], countries: ['DE'] })
    assert.deepEqual(facts.dnsNames, ['Host.example'])
    assert.deepEqual(facts.ipAddresses, ['::1'])
    assert.deepEqual(facts.otherNames, [{ oid: '1.2.3.4', utf8Value: 'upn' }])
    assert.deepEqual(facts.usages, ['cert sign', 'crl sign', 'server auth', '1.2.3.4'])
    assert.equal(facts.isCA, true)
    assert.equal(facts.signatureValid, true)
    assert.deepEqual(parseRequest(requestDer(pem)), facts)
  })

  test('verifies RSA signatures of both paddings', async () => {
    const rsa = encodePrivateKey(await generatePrivateKey({}))
    const padded = withFiles({ key: rsa }, ({ key: path = '' }) =>
      [[], ['-sigopt', 'rsa_padding_mode:pss']].map((options) =>
        made(['req', '-new', '-key', path, '-subj', '/CN=a', '-sha384', ...options]),
      ),
    )
    for (const pem of padded) assert.equal(parseRequest(pem).signatureValid, true)
  })

  test('says when the signature does not verify', async () => {
    const der = requestDer(await createRequest(desired({ commonName: 'victim' }), key))
    const at = der.indexOf('victim')
    der.write('vector', at)
    const facts = parseRequest(der)
    assert.equal(facts.commonName, 'vector')
    assert.equal(facts.signatureValid, false)
  })

  test('refuses every truncation of a CSR with an X509Error', async () => {
    const der = requestDer(await createRequest(desired({ dnsNames: ['a.example'], commonName: 'a' }), key))
    for (let length = 1; length < der.length; length++) {
      assert.throws(() => parseRequest(der.subarray(0, length)), X509Error, `cut at ${length}`)
    }
    assert.throws(() => parseRequest(Buffer.concat([der, Buffer.from([0])])), /data after the end/)
  })

  test('answers every change of one byte with facts or an X509Error, never with a crash', async () => {
    const der = requestDer(
      await createRequest(desired({ dnsNames: ['a.example'], ipAddresses: ['::1'] }), key),
    )
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(der)
        changed[at] = byte
        try {
          parseRequest(changed)
        } catch (error) {
          assert.ok(error instanceof X509Error, String(error))
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('says that there is no request, not what there is', () => {
    assert.throws(
      () => parseRequest(encodePrivateKey(key)),
      /^X509Error: no certificate request in PEM form found$/,
    )
  })
})
