import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  checkIssuerPair,
  createRequest,
  decodePrivateKey,
  generatePrivateKey,
  parseCertificate,
  parseRequest,
  signRequest,
  type SigningOrder,
} from '../../activities/clients/x509.ts'
import { CertloomError } from '../../activities/failure.ts'
import type { FailureCode } from '../../workflows/domain/failures.ts'
import { day, desired, intermediate, leaf, now, root, type Authority } from './authority.ts'
import { made, openssl, withFiles } from './openssl.ts'

const at = String(now.getTime() / 1000 + 60)

function opensslVerifies(leafPem: string, intermediatesPem: string, rootPem: string, options: string[] = []) {
  return withFiles(
    { leaf: leafPem, chain: intermediatesPem, root: rootPem },
    ({ leaf: l = '', chain = '', root: r = '' }) => {
      const untrusted = intermediatesPem === '' ? [] : ['-untrusted', chain]
      return openssl(['verify', '-x509_strict', '-attime', at, ...options, '-CAfile', r, ...untrusted, l])
    },
  )
}

function failsWith(code: FailureCode, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof CertloomError)
    assert.equal(error.failure.code, code)
    assert.match(error.failure.message, message)
    return true
  }
}

const authority = await root('Test CA')
const key = await generatePrivateKey({ algorithm: 'ECDSA' })

async function order(changes: Partial<SigningOrder> = {}): Promise<SigningOrder> {
  return {
    csrPem: await createRequest(desired({ commonName: 'a', dnsNames: ['a.example'] }), key),
    issuer: { kind: 'ca', certificatePem: authority.chain, key: authority.key },
    durationSeconds: 90 * day,
    isCA: false,
    now,
    ...changes,
  }
}

suite('a CA issuer', () => {
  const algorithms = [
    { algorithm: 'RSA' },
    { algorithm: 'RSA', size: 3072 },
    { algorithm: 'ECDSA', size: 256 },
    { algorithm: 'ECDSA', size: 384 },
    { algorithm: 'ECDSA', size: 521 },
    { algorithm: 'Ed25519' },
  ] as const
  for (const privateKey of algorithms) {
    test(`with ${JSON.stringify(privateKey)} signs a chain that openssl verifies strictly`, async () => {
      const top = await root('Top', { spec: { privateKey } })
      const middle = await intermediate(top, 'Middle', { spec: { privateKey } })
      const signed = await leaf(middle, {
        dnsNames: ['a.example'],
        usages: ['server auth', 'digital signature'],
      })
      assert.equal(signed.chainPem, signed.certificatePem + middle.certificate)
      assert.equal(signed.caPem, top.certificate)
      const verified = opensslVerifies(signed.certificatePem, middle.certificate, top.certificate, [
        ...['-purpose', 'sslserver', '-verify_hostname', 'a.example'],
      ])
      assert.ok(verified.ok, verified.text)
    })
  }

  test('writes subject, names, usages, identifiers and locations as openssl reads them', async () => {
    const usages = ['server auth', 'key encipherment']
    const spec = {
      commonName: 'a',
      dnsNames: ['a.example'],
      usages,
      otherNames: [{ oid: '1.2.3', utf8Value: 'x' }],
    }
    const signed = await signRequest(
      await order({
        csrPem: await createRequest(desired(spec), key),
        usages,
        crlDistributionPoints: ['http://crl.example/1', 'http://crl.example/2'],
        ocspServers: ['http://ocsp.example'],
        issuingCertificateURLs: ['http://ca.example/ca.crt'],
      }),
    )
    const text = made(['x509', '-noout', '-text'], signed.certificatePem)
    const authorityId = /Subject Key Identifier: \n\s+(\S+)/.exec(
      made(['x509', '-noout', '-text'], authority.certificate),
    )?.[1]
    assert.match(text, /Issuer: CN = Test CA/)
    assert.match(text, /Subject: CN = a$/m)
    assert.match(text, /Basic Constraints: critical\s+CA:FALSE/)
    assert.match(text, /Key Usage: critical\s+Key Encipherment\n/)
    assert.match(text, /Extended Key Usage: \n\s+TLS Web Server Authentication\n/)
    assert.match(text, /Subject Alternative Name: \n\s+DNS:a\.example, othername: 1\.2\.3::x/)
    assert.match(text, /Subject Key Identifier: \n\s+([0-9A-F]{2}:){19}[0-9A-F]{2}/)
    assert.ok(
      authorityId && text.includes(`Authority Key Identifier: \n                ${authorityId}`),
      text,
    )
    assert.match(text, /URI:http:\/\/crl\.example\/1[\s\S]+URI:http:\/\/crl\.example\/2/)
    assert.match(text, /OCSP - URI:http:\/\/ocsp\.example\s+CA Issuers - URI:http:\/\/ca\.example\/ca\.crt/)
  })

  test('starts now and ends after the duration, even after the CA itself', async () => {
    const signed = await signRequest(
      await order({ now: new Date('2026-03-01T12:00:00.789Z'), durationSeconds: 40 * 365 * day }),
    )
    const facts = parseCertificate(signed.certificatePem)
    assert.equal(facts.notBefore, '2026-03-01T12:00:00Z')
    assert.equal(facts.notAfter, '2066-02-19T12:00:00Z')
    assert.match(made(['x509', '-noout', '-enddate'], signed.certificatePem), /Feb 19 12:00:00 2066 GMT/)
  })

  test('gives every certificate another positive serial of 128 bits', async () => {
    const serials = new Set<string>()
    for (let i = 0; i < 20; i++) {
      const { serial } = parseCertificate((await signRequest(await order())).certificatePem)
      assert.match(serial, /^[4-7][0-9a-f]{31}$/)
      serials.add(serial)
    }
    assert.equal(serials.size, 20)
    assert.equal(
      parseCertificate((await signRequest(await order({ serial: '0f' }))).certificatePem).serial,
      'f',
    )
  })

  test('marks the names critical when the subject is empty, and keeps every byte of them', async () => {
    const csrPem = await createRequest(desired({ dnsNames: ['a.example'], uris: ['urn:x'] }), key)
    const { certificatePem } = await signRequest(await order({ csrPem }))
    assert.match(
      made(['x509', '-noout', '-text'], certificatePem),
      /Alternative Name: critical\s+DNS:a\.example, URI:urn:x/,
    )
    const verified = opensslVerifies(certificatePem, '', authority.certificate)
    assert.ok(verified.ok, verified.text)
  })

  test('copies name constraints, which openssl then holds against the leaf', async () => {
    const nameConstraints = { critical: true, permitted: { dnsDomains: ['good.example'] } }
    const limited = await intermediate(authority, 'Limited', { spec: { nameConstraints } })
    const good = await leaf(limited, { dnsNames: ['a.good.example'] })
    const bad = await leaf(limited, { dnsNames: ['a.bad.example'] })
    assert.ok(opensslVerifies(good.certificatePem, limited.certificate, authority.certificate).ok)
    assert.match(
      opensslVerifies(bad.certificatePem, limited.certificate, authority.certificate).text,
      /permitted subtree violation/,
    )
  })

  test('signs below a CA of openssl whose name has other string types', () => {
    return withFiles(
      { key: made(['genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']) },
      async (paths) => {
        const arguments_ = ['req', '-x509', '-new', '-key', paths.key ?? '', '-days', '1', '-utf8']
        const config = [
          '-addext',
          'keyUsage=critical,keyCertSign',
          '-subj',
          '/C=DE/O=Überall/emailAddress=ca@example.com/CN=x',
        ]
        const certificatePem = made([...arguments_, ...config])
        const own = decodePrivateKey(made(['pkey', '-in', paths.key ?? '']))
        const signed = await signRequest(
          await order({ issuer: { kind: 'ca', certificatePem, key: own }, now: new Date(Date.now()) }),
        )
        assert.equal(signed.caPem, certificatePem)
        assert.match(
          made(['x509', '-noout', '-issuer', '-nameopt', 'utf8,sname'], signed.certificatePem),
          /Überall/,
        )
      },
    )
  })

  test('signs the CSR of openssl', async () => {
    const csrPem = withFiles({ key: made(['genpkey', '-algorithm', 'ed25519']) }, ({ key: path = '' }) =>
      made([
        'req',
        '-new',
        '-key',
        path,
        '-subj',
        '/CN=b/emailAddress=b@example.com',
        '-addext',
        'subjectAltName=DNS:b.example',
      ]),
    )
    const signed = await signRequest(await order({ csrPem }))
    const facts = parseCertificate(signed.certificatePem)
    assert.equal(facts.subjectDer, parseRequest(csrPem).subjectDer)
    assert.deepEqual(facts.usages, ['digital signature', 'key encipherment'])
  })
})

suite('a selfSigned issuer', () => {
  test('makes the certificate its own issuer and CA', async () => {
    const signed = await signRequest(await order({ issuer: { kind: 'selfSigned', key } }))
    const facts = parseCertificate(signed.certificatePem)
    assert.equal(facts.issuerName, 'CN=a')
    assert.equal(signed.chainPem, signed.certificatePem)
    assert.equal(signed.caPem, signed.certificatePem)
    const verified = opensslVerifies(signed.certificatePem, '', signed.certificatePem, ['-check_ss_sig'])
    assert.ok(verified.ok, verified.text)
  })

  test('refuses a key that is not the key of the request', async () => {
    const other = await generatePrivateKey({ algorithm: 'ECDSA' })
    const wrong = await order({ issuer: { kind: 'selfSigned', key: other } })
    await assert.rejects(signRequest(wrong), failsWith('SigningFailed', /not the key of the request/))
  })
})

suite('a request that cannot be signed', () => {
  test('has usages or a CA flag that differ from the CertificateRequest', async () => {
    await assert.rejects(
      signRequest(await order({ usages: ['client auth'] })),
      failsWith(
        'SigningFailed',
        /CSR asks for the usages digital signature, key encipherment,.* for client auth/,
      ),
    )
    await assert.rejects(
      signRequest(await order({ usages: ['nonsense'] })),
      failsWith('SigningFailed', /"nonsense"/),
    )
    const csrPem = withFiles({ key: made(['genpkey', '-algorithm', 'ed25519']) }, ({ key: path = '' }) =>
      made(['req', '-new', '-key', path, '-subj', '/CN=b', '-addext', 'basicConstraints=CA:TRUE']),
    )
    await assert.rejects(
      signRequest(await order({ csrPem })),
      failsWith('SigningFailed', /CSR says isCA true/),
    )
  })

  test('may name the usages in another order', async () => {
    const csrPem = await createRequest(
      desired({ commonName: 'a', usages: ['server auth', 'client auth'] }),
      key,
    )
    const signed = await signRequest(await order({ csrPem, usages: ['client auth', 'server auth'] }))
    assert.deepEqual(parseCertificate(signed.certificatePem).usages, ['client auth', 'server auth'])
  })

  test('has no valid signature or is no request', async () => {
    const good = await order()
    const der = Buffer.from(String(good.csrPem).replace(/-----.*-----/g, ''), 'base64')
    der.write('b.example', der.indexOf('a.example'))
    await assert.rejects(
      signRequest({ ...good, csrPem: der }),
      failsWith('SigningFailed', /signature .* is not valid/),
    )
    await assert.rejects(
      signRequest({ ...good, csrPem: 'hello' }),
      failsWith('SigningFailed', /no certificate request/),
    )
  })
})

suite('the Secret of a CA issuer', () => {
  const check = (certificatePem: string, pair: Pick<Authority, 'key'>, when = now) =>
    checkIssuerPair({ certificatePem, key: pair.key }, when)

  test('is good with a CA, its key and its chain', async () => {
    check(authority.chain, authority)
    const sub = await intermediate(authority, 'Sub')
    check(sub.chain, sub)
  })

  const wrong: [string, () => Promise<() => void>, RegExp][] = [
    [
      'a certificate that is no CA',
      async () => leaf(authority, { dnsNames: ['a'] }).then((l) => () => check(l.certificatePem, l)),
      /is not a CA/,
    ],
    [
      'the key of another certificate',
      async () => root('Other').then((o) => () => check(authority.chain, o)),
      /another certificate/,
    ],
    [
      'an expired CA',
      async () =>
        root('Old', { days: 1 }).then(
          (o) => () => check(o.chain, o, new Date(now.getTime() + 2 * day * 1000)),
        ),
      /expired at/,
    ],
    [
      'a CA of the future',
      async () => root('New').then((o) => () => check(o.chain, o, new Date(now.getTime() - 1000))),
      /not valid before/,
    ],
    [
      'a stranger in the chain',
      async () => root('S').then((o) => () => check(authority.chain + o.chain, authority)),
      /unbroken chain/,
    ],
    [
      'the root first',
      async () =>
        intermediate(authority, 'I').then(
          (i) => () => check(authority.certificate + i.certificate, authority),
        ),
      /first certificate/,
    ],
    ['no certificate', async () => () => check('', authority), /no certificate/],
  ]
  for (const [what, prepare, message] of wrong) {
    test(`is refused with ${what}`, async () => {
      const attempt = await prepare()
      assert.throws(attempt, failsWith('SecretInvalid', message))
    })
  }

  test('is refused when the key usage of the CA forbids to sign', async () => {
    const { pem, own } = withFiles(
      { key: made(['genpkey', '-algorithm', 'ed25519']) },
      ({ key: path = '' }) => ({
        pem: made([
          'req',
          '-x509',
          '-new',
          '-key',
          path,
          '-subj',
          '/CN=x',
          '-addext',
          'keyUsage=digitalSignature',
        ]),
        own: decodePrivateKey(made(['pkey', '-in', path])),
      }),
    )
    assert.throws(() => check(pem, { key: own }, new Date()), failsWith('SecretInvalid', /cert sign/))
  })
})
