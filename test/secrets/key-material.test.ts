import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { cutKeyMaterial, findKeyMaterial } from '../../workflows/domain/key-material.ts'

const keys: Record<string, KeyObject> = {
  'RSA 2048': generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  'P-256': generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey,
  'P-384': generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey,
  'P-521': generateKeyPairSync('ec', { namedCurve: 'secp521r1' }).privateKey,
  Ed25519: generateKeyPairSync('ed25519').privateKey,
}

/** Every form that is recognised without knowing the key. */
function forms(key: KeyObject): Record<string, string> {
  const traditional = { rsa: 'pkcs1', ec: 'sec1', ed25519: 'pkcs8' }[
    key.asymmetricKeyType as 'rsa' | 'ec' | 'ed25519'
  ]
  const all: Record<string, string> = {}
  for (const type of new Set(['pkcs8', traditional]) as Set<'pkcs8'>) {
    const pem = key.export({ type, format: 'pem' }).toString()
    const der = key.export({ type, format: 'der' })
    Object.assign(all, {
      [`${type} PEM`]: pem,
      [`${type} PEM in JSON`]: JSON.stringify({ 'tls.key': pem }),
      [`${type} PEM in base64`]: Buffer.from(pem).toString('base64'),
      [`${type} PEM in base64 after one byte`]: Buffer.from(`x${pem}`).toString('base64'),
      [`${type} PEM in base64 after two bytes`]: Buffer.from(`xy${pem}`).toString('base64'),
      [`${type} PEM in hex`]: Buffer.from(pem).toString('hex'),
      [`${type} body of a PEM`]: pem.split('\n').slice(1, -2).join('\n'),
      [`${type} DER in base64`]: der.toString('base64'),
      [`${type} DER in base64url`]: der.toString('base64url'),
      [`${type} DER in hex`]: der.toString('hex'),
    })
  }
  const jwk = JSON.stringify(key.export({ format: 'jwk' }))
  return { ...all, 'a JWK': jwk, 'a JWK in JSON': JSON.stringify({ key: jwk }) }
}

for (const [name, key] of Object.entries(keys)) {
  test(`a private ${name} key is found in every form, and cut so that nothing of it is left`, () => {
    for (const [form, text] of Object.entries(forms(key))) {
      const around = `before ${text} after`
      assert.notEqual(findKeyMaterial(around), undefined, form)
      const cut = cutKeyMaterial(around)
      assert.equal(findKeyMaterial(cut), undefined, `${form}: ${cut}`)
      assert.match(cut, /^before .*\[secret\]/s, form)
      for (const part of secretParts(key)) assert.ok(!cut.includes(part), `${form} leaves ${part}`)
    }
  })

  test(`what a ${name} key shows to everybody is not taken for a secret`, () => {
    const { kty, n, e, crv, x, y } = key.export({ format: 'jwk' })
    const open = JSON.stringify({ kty, n, e, crv, x, y })
    assert.equal(findKeyMaterial(open), undefined)
    assert.equal(cutKeyMaterial(open), open)
  })
}

test('an encrypted, an OpenSSH and a PGP private key are key material', () => {
  for (const label of ['ENCRYPTED PRIVATE KEY', 'OPENSSH PRIVATE KEY', 'PGP PRIVATE KEY BLOCK'])
    assert.equal(findKeyMaterial(`-----BEGIN ${label}-----\nAAAA\n`), 'a PEM private key', label)
})

test('a PEM block without an end is cut to the end of the text', () => {
  assert.equal(cutKeyMaterial('said: -----BEGIN RSA PRIVATE KEY-----\nMIIEow'), 'said: [secret]')
})

test('text of every day is left as it is: digests, tokens, URLs, dates, certificates, words', () => {
  const certificate = `MIIB${randomBytes(60).toString('base64')}`
  for (const text of [
    '',
    'The private key of the certificate does not fit',
    'Stored new private key in temporary Secret resource "web-x7f2k"',
    `{"thumbprint":"${randomBytes(32).toString('hex')}","token":"${randomBytes(32).toString('base64url')}"}`,
    'https://127.0.0.1:14000/my-order/Ml2Qn3-XAYZ?x=1',
    '{"d":"2026-12-01T04:11:00Z","kind":"Certificate"}',
    '{"kty":"EC","crv":"P-256"}',
    `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n`,
  ]) {
    assert.equal(findKeyMaterial(text), undefined, text)
    assert.equal(cutKeyMaterial(text), text)
  }
})

test('arbitrary bytes in hex, base64 and text are hardly ever taken for a key, and cutting ends what is found', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String({ minLength: 40 }), fc.json()), (text) => {
      const cut = cutKeyMaterial(text)
      assert.equal(findKeyMaterial(cut), undefined)
      if (findKeyMaterial(text) === undefined) assert.equal(cut, text)
    }),
    { numRuns: 2_000 },
  )
  let found = 0
  for (let run = 0; run < 5_000; run++) {
    const bytes = randomBytes(200)
    if (findKeyMaterial(`${bytes.toString('hex')} ${bytes.toString('base64')}`) !== undefined) found++
  }
  assert.equal(found, 0)
})

test('a text made to be slow is looked through in no time', () => {
  for (const text of [
    '-----BEGIN '.repeat(100_000),
    'MIIEvQIBADANBg'.repeat(70_000),
    '\\'.repeat(500_000),
    '30820201'.repeat(60_000),
  ]) {
    const started = performance.now()
    cutKeyMaterial(text)
    const ms = performance.now() - started
    assert.ok(ms < 1_000, `${text.slice(0, 20)}… took ${ms} ms`)
  }
})

/** The private numbers of a key, as they would be recognised by eye. */
function secretParts(key: KeyObject): string[] {
  const { d = '', p, q } = key.export({ format: 'jwk' })
  return [d, p, q].flatMap((number) => {
    if (number === undefined) return []
    const bytes = Buffer.from(number, 'base64url')
    return [number.slice(0, 40), bytes.toString('base64').slice(0, 40), bytes.toString('hex').slice(0, 40)]
  })
}
