import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { suite, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import {
  X509Error,
  decodePrivateKey,
  encodePrivateKey,
  generatePrivateKey,
  keyFacts,
  publicKeySha256,
} from '../../activities/clients/x509.ts'
import { admission } from '../../activities/clients/x509/admission.ts'
import { CertloomError } from '../../activities/failure.ts'
import type { DesiredCertificate } from '../../workflows/domain/desired.ts'
import { made, openssl } from './openssl.ts'

type KeySpec = NonNullable<DesiredCertificate['privateKey']>

const forms: { spec: KeySpec; label: string; openssl: RegExp; algorithm: string; size: number }[] = [
  { spec: {}, label: 'RSA PRIVATE KEY', openssl: /Private-Key: \(2048 bit/, algorithm: 'RSA', size: 2048 },
  { spec: { encoding: 'PKCS8' }, label: 'PRIVATE KEY', openssl: /\(2048 bit/, algorithm: 'RSA', size: 2048 },
  {
    spec: { algorithm: 'RSA', size: 3072 },
    label: 'RSA PRIVATE KEY',
    openssl: /\(3072 bit/,
    algorithm: 'RSA',
    size: 3072,
  },
  {
    spec: { algorithm: 'ECDSA' },
    label: 'EC PRIVATE KEY',
    openssl: /prime256v1/,
    algorithm: 'ECDSA',
    size: 256,
  },
  {
    spec: { algorithm: 'ECDSA', size: 384 },
    label: 'EC PRIVATE KEY',
    openssl: /secp384r1/,
    algorithm: 'ECDSA',
    size: 384,
  },
  {
    spec: { algorithm: 'ECDSA', size: 521, encoding: 'PKCS8' },
    label: 'PRIVATE KEY',
    openssl: /secp521r1/,
    algorithm: 'ECDSA',
    size: 521,
  },
  { spec: { algorithm: 'Ed25519' }, label: 'PRIVATE KEY', openssl: /ED25519/, algorithm: 'Ed25519', size: 0 },
]

suite('private keys', () => {
  for (const form of forms) {
    test(`${JSON.stringify(form.spec)} becomes a ${form.label} that openssl reads and that is read back`, async () => {
      const key = await generatePrivateKey(form.spec)
      const pem = encodePrivateKey(key, form.spec.encoding)
      assert.ok(pem.startsWith(`-----BEGIN ${form.label}-----\n`))
      assert.match(made(['pkey', '-noout', '-text'], pem), form.openssl)
      assert.ok(decodePrivateKey(pem).equals(key))
      assert.deepEqual(keyFacts(pem), {
        algorithm: form.algorithm,
        size: form.size,
        encoding: form.label === 'PRIVATE KEY' ? 'PKCS8' : 'PKCS1',
        publicKeySha256: publicKeySha256(key),
      })
    })
  }

  test('the fingerprint is the SHA-256 of what openssl writes as the public key', async () => {
    const key = await generatePrivateKey({ algorithm: 'ECDSA' })
    const publicPem = made(['pkey', '-pubout'], encodePrivateKey(key))
    const der = Buffer.from(publicPem.replace(/-----.*-----/g, ''), 'base64')
    assert.equal(publicKeySha256(key), publicKeySha256(der))
  })

  test('keys of openssl are read, with the curve parameters before them as well', () => {
    const ec = made(['ecparam', '-name', 'prime256v1', '-genkey'])
    assert.match(ec, /EC PARAMETERS/)
    assert.deepEqual(
      [keyFacts(ec).algorithm, keyFacts(ec).size, keyFacts(ec).encoding],
      ['ECDSA', 256, 'PKCS1'],
    )
    const windows = `\uFEFF${made(['genpkey', '-algorithm', 'ed25519']).replaceAll('\n', '\r\n')}`
    assert.equal(keyFacts(Buffer.from(windows)).algorithm, 'Ed25519')
  })

  test('sizes that the API does not allow are refused with the name of the field', async () => {
    for (const spec of [
      { algorithm: 'RSA', size: 1024 },
      { algorithm: 'RSA', size: 16384 },
      { algorithm: 'ECDSA', size: 224 },
    ] satisfies KeySpec[]) {
      await assert.rejects(generatePrivateKey(spec), (error) => {
        assert.ok(error instanceof CertloomError)
        assert.equal(error.failure.code, 'InvalidSpec')
        assert.match(error.failure.message, /spec\.privateKey\.size/)
        return true
      })
    }
  })

  test('RSA keys are generated beside the event loop', async () => {
    let turns = 0
    const heartbeat = setInterval(() => turns++, 1)
    await Promise.all([generatePrivateKey({}), generatePrivateKey({})])
    clearInterval(heartbeat)
    assert.ok(turns > 5, `only ${turns} turns of the event loop`)
  })
})

suite('admission', () => {
  test('runs as many at a time as it may, the others in their order, and goes on after a failure', async () => {
    const admit = admission(2)
    const started: number[] = []
    const gates = Array.from({ length: 4 }, () => Promise.withResolvers<number>())
    const results = gates.map((gate, i) =>
      admit(() => {
        started.push(i)
        return gate.promise
      }),
    )
    const settled = Promise.allSettled(results)
    await setImmediate()
    assert.deepEqual(started, [0, 1])
    gates[1]?.reject(new Error('failed'))
    await setImmediate()
    assert.deepEqual(started, [0, 1, 2])
    gates[0]?.resolve(0)
    await setImmediate()
    assert.deepEqual(started, [0, 1, 2, 3])
    gates[2]?.resolve(2)
    gates[3]?.resolve(3)
    assert.deepEqual(
      (await settled).map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
    )
    assert.equal(await admit(() => Promise.resolve('free again')), 'free again')
  })
})

suite('private keys that cannot be used', () => {
  const pkcs8 = made(['genpkey', '-algorithm', 'ed25519'])
  const body = pkcs8.split('\n')[1] ?? ''
  const wrong: [string, string, RegExp][] = [
    ['no PEM at all', `password=${body}`, /no private key/],
    ['no END line', pkcs8.slice(0, 60), /no END line/],
    ['another label at the end', pkcs8.replace('END PRIVATE', 'END PUBLIC'), /no END line/],
    ['characters outside base64', pkcs8.replace(body, `*${body}`), /base64/],
    ['a broken structure', pkcs8.replace(body, `AAAA${body.slice(4)}`), /cannot be decoded/],
    ['a passphrase', made(['pkey', '-aes128', '-passout', 'pass:secret'], pkcs8), /encrypted/],
    [
      'an unknown curve',
      made(['ecparam', '-name', 'secp256k1', '-genkey', '-noout']),
      /P-256, P-384 or P-521/,
    ],
    ['an unknown algorithm', made(['genpkey', '-algorithm', 'ed448']), /neither RSA nor ECDSA nor Ed25519/],
    ['far too many bytes', pkcs8 + 'x'.repeat(20_000), /larger than 13000 bytes/],
  ]
  for (const [what, pem, message] of wrong) {
    test(`${what} is refused without a word of the key`, () => {
      assert.throws(
        () => decodePrivateKey(pem),
        (error) => {
          assert.ok(error instanceof X509Error)
          assert.match(error.message, message)
          assert.equal(error.cause, undefined)
          for (const line of pem.split('\n').filter((text) => /^[\w+/=]{16,}$/.test(text))) {
            assert.ok(!`${error.message}${error.stack}`.includes(line.slice(0, 12)))
          }
          return true
        },
      )
    })
  }

  test('a heap of BEGIN lines is refused in no time', () => {
    const started = performance.now()
    assert.throws(() => decodePrivateKey('-----BEGIN PRIVATE KEY-----'.repeat(400)), X509Error)
    assert.ok(performance.now() - started < 100)
  })

  test('RSA-PSS keys are refused', () => {
    const { privateKey } = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    assert.throws(() => keyFacts(pem), /neither RSA nor ECDSA/)
    assert.ok(openssl(['pkey', '-noout'], pem).ok)
  })
})
