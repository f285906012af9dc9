import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { learnConfiguration } from '../../activities/secrets/configuration.ts'
import { KnownSecrets } from '../../activities/secrets/known-secrets.ts'
import { findSecret, redactJson, redactText } from '../../activities/secrets/redact.ts'
import { configurationValues } from '../../activities/dns/exec/secret-parts.ts'

const value = fc.uint8Array({ minLength: 16, maxLength: 200 }).filter((bytes) => new Set(bytes).size > 4)
const around = fc.stringMatching(/^[ -~]{0,80}$/)

/** The forms that the scan of the integration tests looks for as well. */
function forms(bytes: Buffer): string[] {
  return [
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    bytes.toString('base64url'),
    ...[0, 1, 2].map((shift) =>
      Buffer.concat([Buffer.alloc(shift, 0x41), bytes, Buffer.from('xyz')]).toString('base64'),
    ),
  ]
}

test('a known secret is found in raw, hex and base64 at each alignment, anywhere in a text, and nothing of it is left', () => {
  fc.assert(
    fc.property(value, around, around, (secret, before, after) => {
      const bytes = Buffer.from(secret)
      const known = new KnownSecrets()
      known.add(bytes)
      assert.ok(known.isIn(Buffer.concat([Buffer.from(before), bytes, Buffer.from(after)])), 'raw')
      for (const form of forms(bytes)) {
        const text = `${before} ${form} ${after}`
        assert.ok(known.isIn(Buffer.from(text)), form)
        const redacted = redactText(text, known)
        assert.ok(redacted.includes('[secret]') && !known.isIn(Buffer.from(redacted)), redacted)
      }
    }),
    { numRuns: 300 },
  )
})

test('a secret text is found inside JSON and a URL, and what was redacted is still JSON of the same shape', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 12, maxLength: 60, unit: 'grapheme' }), around, (secret, before) => {
      fc.pre(Buffer.byteLength(secret) >= 12 && new Set(secret).size > 4)
      const known = new KnownSecrets()
      known.add(secret)
      const json = JSON.stringify({ list: [before, { name: `${before}${secret}` }], count: 3 })
      assert.notEqual(findSecret(Buffer.from(json), known), undefined)
      const redacted = redactJson(json, known)
      assert.equal(findSecret(Buffer.from(redacted), known), undefined, redacted)
      assert.doesNotThrow(() => JSON.parse(redacted) as unknown)
      assert.ok(known.isIn(Buffer.from(`https://x/?k=${encodeURIComponent(secret.toWellFormed())}`)))
    }),
    { numRuns: 300 },
  )
})

test('half of a key that was cut off is recognised as well', () => {
  const known = new KnownSecrets()
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  known.addKey(key)
  const { d = '' } = key.export({ format: 'jwk' })
  assert.ok(known.isIn(Buffer.from(`…${d.slice(0, 40)}`)))
})

test('what a certificate shows of a known key may be said: modulus, exponent, public point', () => {
  const known = new KnownSecrets()
  for (const { privateKey, publicKey } of [
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
    generateKeyPairSync('ed25519'),
  ]) {
    known.addKey(privateKey)
    const spki = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    assert.equal(findSecret(Buffer.from(spki), known), undefined)
    assert.equal(
      findSecret(Buffer.from(JSON.stringify(publicKey.export({ format: 'jwk' }))), known),
      undefined,
    )
  }
})

test('texts that hold no known secret are never taken for one', () => {
  const known = new KnownSecrets()
  for (let at = 0; at < 1_000; at++) known.add(randomBytes(32))
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.base64String({ maxLength: 400 })), (text) => {
      assert.equal(known.isIn(Buffer.from(text)), false)
    }),
    { numRuns: 1_000 },
  )
})

test('memory is bounded: the secret that was seen longest ago is forgotten first, a pinned one never', () => {
  const known = new KnownSecrets(500)
  const [pinned, first, last] = [randomBytes(32), randomBytes(32), randomBytes(32)]
  known.add(pinned, { pinned: true })
  known.add(first)
  for (let at = 0; at < 500; at++) {
    known.add(randomBytes(32))
    assert.ok(known.size <= 500)
  }
  known.add(last)
  const hex = (bytes: Buffer) => Buffer.from(bytes.toString('hex'))
  assert.deepEqual(
    [pinned, first, last].map((one) => known.isIn(hex(one))),
    [true, false, true],
  )
})

test('of a configuration its tokens are secret, its zones, addresses, paths and words are not', () => {
  const known = new KnownSecrets()
  const isIn = (text: string) => known.isIn(Buffer.from(text))
  const learn = (text: string) => learnConfiguration(configurationValues(Buffer.from(text)), known)
  learn(
    JSON.stringify({
      url: 'https://user:s3cr3t-passw0rd@api.example.com/v1',
      zone: 'shop.example.com',
      log: '/var/log/plugin.log',
      region: 'eu-central',
      token: 'AKIA93kd83kdkq02kd',
      email: 'ops@example.com',
    }),
  )
  learn('api_key = "k3y-of-the-0perator"\nendpoint: https://dns.example.net/api\n')
  for (const secret of ['s3cr3t-passw0rd', 'AKIA93kd83kdkq02kd', 'k3y-of-the-0perator'])
    assert.ok(isIn(`x ${secret} y`), secret)
  for (const word of [
    'shop.example.com',
    'https://api.example.com/v1',
    '/var/log/plugin.log',
    'eu-central',
    'ops@example.com',
    'https://dns.example.net/api',
  ])
    assert.equal(isIn(`x ${word} y`), false, word)
})
