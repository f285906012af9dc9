import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { suite, test } from 'node:test'
import {
  X509Error,
  encodePrivateKey,
  generatePrivateKey,
  matchesKey,
  orderChain,
  parseCertificate,
  parseChain,
  parseRequest,
  splitPem,
  verifyIssued,
} from '../../activities/clients/x509.ts'
import { CertloomError } from '../../activities/failure.ts'
import { day, intermediate, leaf, now, root } from './authority.ts'
import { made, withFiles } from './openssl.ts'

const top = await root('Root')
const middle = await intermediate(top, 'Middle')
const issuing = await intermediate(middle, 'Issuing')
const issued = await leaf(issuing, {
  commonName: 'a',
  dnsNames: ['a.example', '*.B.example'],
  ipAddresses: ['2001:db8::1'],
})
const later = (seconds: number) => new Date(now.getTime() + seconds * 1000)

suite('certificate facts', () => {
  test('agree with what openssl made', () => {
    const pem = withFiles(
      { key: made(['ecparam', '-name', 'prime256v1', '-genkey', '-noout']) },
      ({ key = '' }) =>
        made([
          ...['req', '-x509', '-new', '-key', key, '-subj', '/O=Comma, Inc/CN=host\\+x', '-days', '9000'],
          ...['-set_serial', '0x00ab12', '-addext', 'subjectAltName=DNS:a.example,email:a@b.c,URI:urn:x'],
          ...['-addext', 'keyUsage=digitalSignature', '-addext', 'extendedKeyUsage=clientAuth'],
        ]),
    )
    const facts = parseCertificate(`text before\n${pem}`)
    const reference = new X509Certificate(pem)
    assert.deepEqual(facts, {
      commonName: 'host+x',
      subject: { organizations: ['Comma, Inc'] },
      subjectDer: facts.subjectDer,
      dnsNames: ['a.example'],
      ipAddresses: [],
      uris: ['urn:x'],
      emailAddresses: ['a@b.c'],
      otherNames: [],
      publicKeySha256: facts.publicKeySha256,
      fingerprint: reference.fingerprint256.replaceAll(':', '').toLowerCase(),
      serial: 'ab12',
      issuerName: 'CN=host\\+x,O=Comma\\, Inc',
      isCA: true,
      usages: ['digital signature', 'client auth'],
      notBefore: reference.validFromDate.toISOString().replace('.000Z', 'Z'),
      notAfter: reference.validToDate.toISOString().replace('.000Z', 'Z'),
    })
    assert.match(facts.notAfter, /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  })

  test('of a chain come with each certificate in PEM and DER', () => {
    const chain = parseChain(issued.chainPem.replaceAll('\n', '\r\n'))
    assert.deepEqual(
      chain.map(({ facts }) => facts.commonName),
      ['a', 'Issuing', 'Middle'],
    )
    assert.equal(chain.map(({ pem }) => pem).join(''), issued.chainPem)
    for (const { pem, der } of chain)
      assert.ok(new X509Certificate(der).raw.equals(new X509Certificate(pem).raw))
    assert.deepEqual(
      splitPem(issued.chainPem),
      chain.map(({ pem }) => pem),
    )
  })

  test('cannot be had of what is no certificate', () => {
    const key = encodePrivateKey(issued.key, 'PKCS8')
    assert.throws(() => parseCertificate(key), /^X509Error: no certificate in PEM form found$/)
    assert.throws(() => parseCertificate(key.replaceAll('PRIVATE KEY', 'CERTIFICATE')), X509Error)
    assert.throws(() => parseCertificate('x'.repeat(400_000)), /larger than 330000 bytes/)
  })

  test('say whether a private key belongs to the certificate', async () => {
    assert.equal(matchesKey(issued.chainPem, encodePrivateKey(issued.key)), true)
    const other = encodePrivateKey(await generatePrivateKey({ algorithm: 'ECDSA' }))
    assert.equal(matchesKey(issued.chainPem, other), false)
  })
})

suite('ordering a chain', () => {
  const parts = [issued.certificatePem, issuing.certificate, middle.certificate, top.certificate]

  test('puts the leaf first and the root apart, from any order and with doubles', () => {
    const shuffled = [parts[2], parts[0], parts[3], parts[1], parts[2]].join('')
    assert.deepEqual(orderChain(shuffled), { chainPem: parts.slice(0, 3).join(''), caPem: parts[3] })
  })

  test('without a root names the highest certificate as CA and keeps it in the chain', () => {
    assert.deepEqual(orderChain(`${parts[1]}${parts[0]}`), {
      chainPem: `${parts[0]}${parts[1]}`,
      caPem: parts[1],
    })
  })

  test('of one certificate knows a CA only when it is a root', () => {
    assert.deepEqual(orderChain(issued.certificatePem), { chainPem: issued.certificatePem })
    assert.deepEqual(orderChain(top.certificate), { chainPem: top.certificate, caPem: top.certificate })
  })

  test('refuses a gap, a stranger and a namesake with another key', async () => {
    const namesake = await root('Root')
    for (const broken of [
      `${parts[0]}${parts[2]}`,
      `${parts[0]}${namesake.certificate}`,
      `${parts[2]}${namesake.certificate}`,
    ]) {
      assert.throws(() => orderChain(broken), /not one unbroken chain/)
    }
  })
})

suite('holding an issued certificate against its request', () => {
  const request = parseRequest(issued.csrPem)

  function refused(changes: Partial<Parameters<typeof verifyIssued>[0]>, message: RegExp) {
    assert.throws(
      () => verifyIssued({ chainPem: issued.chainPem, request, now, ...changes }),
      (error) => {
        assert.ok(error instanceof CertloomError)
        assert.equal(error.failure.code, 'CertificateInvalid')
        assert.match(error.failure.message, message)
        return true
      },
    )
  }

  test('accepts what fits, with and without the root, by facts and by CSR', () => {
    verifyIssued({ chainPem: issued.chainPem, request, now })
    verifyIssued({ chainPem: issued.chainPem + top.certificate, request: { csrPem: issued.csrPem }, now })
    verifyIssued({
      chainPem: issued.certificatePem,
      request: { ...request, dnsNames: ['A.example', '*.b.EXAMPLE'] },
      now,
    })
  })

  test('refuses another key', () =>
    refused({ request: { ...request, publicKeySha256: '00' } }, /another key/))

  test('refuses a missing DNS name or IP address', () => {
    refused({ request: { ...request, dnsNames: [...request.dnsNames, 'c.example'] } }, /lacks .* c\.example$/)
    refused({ request: { ...request, ipAddresses: ['10.0.0.1'] } }, /lacks .* 10\.0\.0\.1$/)
  })

  test('refuses a certificate that has expired or begins much later, but forgives an hour', () => {
    refused({ now: later(90 * day) }, /expired at 2026-05-30T12:00:00Z/)
    refused({ now: later(-3601) }, /not valid before 2026-03-01T12:00:00Z/)
    verifyIssued({ chainPem: issued.chainPem, request, now: later(-3600) })
  })

  test('refuses an expired intermediate', async () => {
    const short = await intermediate(top, 'Short', { days: 1 })
    const long = await leaf(short, { dnsNames: ['a.example'] })
    const question = { chainPem: long.chainPem, request: parseRequest(long.csrPem) }
    verifyIssued({ ...question, now })
    refused({ ...question, now: later(2 * day) }, /certificate 2 of the chain has expired/)
  })

  test('refuses a chain that does not link, is out of order, or ends under a leaf', () => {
    refused(
      { chainPem: issued.certificatePem + middle.certificate },
      /certificate 2 of the chain did not issue/,
    )
    refused({ chainPem: issuing.certificate + issued.certificatePem }, /another key/)
    refused(
      { chainPem: issued.certificatePem + issued.certificatePem },
      /certificate 2 of the chain did not issue/,
    )
  })

  test('refuses what is no certificate, without showing it', () => {
    refused({ chainPem: '<html>secret</html>' }, /^no certificate in PEM form found$/)
    refused({ chainPem: '' }, /^no certificate/)
  })

  test('asks an external issuer for no more than key and end date', () => {
    const lax = {
      request: { ...request, dnsNames: ['c.example'] },
      chainPem: issued.certificatePem + middle.certificate,
    }
    verifyIssued({ ...lax, now, strict: false })
    refused({ ...lax, now: later(90 * day), strict: false }, /expired/)
    refused({ ...lax, request: { ...request, publicKeySha256: '00' }, strict: false }, /another key/)
  })
})
