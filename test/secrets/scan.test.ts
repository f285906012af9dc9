import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Marks } from '../integration/secrets/support/marks.ts'

const noise = () => randomBytes(3_000).toString('base64')
const between = (leak: string | Buffer) =>
  Buffer.concat([Buffer.from(noise()), Buffer.from(leak), Buffer.from(noise())])

const keys = {
  'RSA 2048': generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  'P-256': generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey,
  'P-384': generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey,
  Ed25519: generateKeyPairSync('ed25519').privateKey,
}

for (const [name, key] of Object.entries(keys)) {
  test(`the scan finds a ${name} key in every encoding, and not its public half`, () => {
    const marks = new Marks()
    marks.addKey(name, key)
    const traditional = { rsa: 'pkcs1', ec: 'sec1', ed25519: 'pkcs8' }[
      key.asymmetricKeyType as 'rsa' | 'ec' | 'ed25519'
    ]
    for (const type of ['pkcs8', traditional] as 'pkcs8'[]) {
      const pem = key.export({ type, format: 'pem' }).toString()
      const der = key.export({ type, format: 'der' })
      const body = pem.split('\n').slice(1, -2)
      for (const [form, leak] of Object.entries({
        PEM: pem,
        'PEM in JSON': JSON.stringify({ pem }),
        // A short key stands in the first line alone.
        ...(body.length > 6 && { 'last lines of a PEM': body.slice(1).join('\n') }),
        DER: der,
        'DER in base64': der.toString('base64'),
        'DER in base64 after one byte': Buffer.concat([Buffer.from('a'), der]).toString('base64'),
        'DER in base64 after two bytes': Buffer.concat([Buffer.from('ab'), der]).toString('base64'),
        'DER in base64url': der.toString('base64url'),
        'DER in hex': der.toString('hex'),
        'DER in capital hex': der.toString('hex').toUpperCase(),
        JWK: JSON.stringify(key.export({ format: 'jwk' })),
        'the first half of the scalar': (key.export({ format: 'jwk' }).d ?? '').slice(0, 36),
      }))
        assert.notDeepEqual(marks.search('here', between(leak)), [], `${type}: ${form}`)
    }
    const { kty, n, e, crv, x, y } = key.export({ format: 'jwk' })
    assert.deepEqual(marks.search('here', between(JSON.stringify({ kty, n, e, crv, x, y }))), [])
  })
}

test('the scan finds a token raw, in hex and in base64 at the three alignments, at the very beginning and the very end', () => {
  const token = `tok-${randomBytes(18).toString('base64url')}`
  const marks = new Marks()
  marks.add('token', token)
  const leaks = [0, 1, 2].map((shift) => Buffer.from(`${'x'.repeat(shift)}${token}`).toString('base64'))
  for (const leak of [token, Buffer.from(token).toString('hex'), ...leaks]) {
    for (const bytes of [between(leak), Buffer.from(leak + noise()), Buffer.from(noise() + leak)])
      assert.deepEqual(
        marks.search('here', bytes).map(({ secret }) => secret),
        ['token'],
        leak,
      )
  }
  assert.deepEqual(marks.search('here', Buffer.from(noise())), [])
})

test('a thousand marks are searched for in 20 MB within seconds', () => {
  const marks = new Marks()
  for (let at = 0; at < 1_000; at++) marks.add(`key ${at}`, randomBytes(32))
  const bytes = randomBytes(20_000_000)
  const started = performance.now()
  assert.deepEqual(marks.search('noise', bytes), [])
  const ms = performance.now() - started
  console.log(`${marks.needles} needles in 20 MB: ${Math.round(ms)} ms`)
  assert.ok(ms < 10_000)
})
