import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  challengeFqdn,
  computeName,
  fnv1_32,
  goJson,
  orderName,
  requestName,
  shortenName,
} from '../../workflows/domain/names.ts'

const sha256Hex = (text: string) => createHash('sha256').update(text).digest('hex')

test('FNV-1 gives the published hashes', () => {
  // http://www.isthe.com/chongo/src/fnv/test_fnv.c
  assert.equal(fnv1_32(''), 0x811c9dc5)
  assert.equal(fnv1_32('a'), 0x050c5d7e)
  assert.equal(fnv1_32('foobar'), 0x31f0b262)
})

const long = 'a'.repeat(51)
const computed: [base: string, name: string][] = [
  ['unit.test.jetstack.io', 'unit.test.jetstack.io-1683025094'],
  [`${'a'.repeat(58)}b.jetstack.io`, `${'a'.repeat(52)}-108802726`],
  [`${long}.jetstack.io`, `${long}-225297437`],
  [`${long}aa.jetstack.io`, `${long}a-1448584771`],
]
for (const [base, name] of computed) {
  test(`the name computed for ${base} equals cert-manager's`, () => {
    assert.equal(
      computeName(base, goJson({ commonName: base, secretName: '', issuerRef: { name: '' } })),
      name,
    )
  })
}

test('JSON is written as Go writes it', () => {
  assert.equal(goJson({ a: '<b>&\u2028"é' }), '{"a":"\\u003cb\\u003e\\u0026\\u2028\\"é"}')
})

test('names of Orders that must be cut differ where the requests do', () => {
  const [one, other] = [`${'a'.repeat(60)}-1`, `${'a'.repeat(60)}-2`]
  assert.notEqual(orderName(one, '{}'), orderName(other, '{}'))
  assert.equal(orderName('web-1', '{}'), computeName('web-1', '{}'))
})

test('names are cut at a letter or digit', () => {
  for (const [name, max, expected] of [
    ['aa-----aaaa', 5, 'aa'],
    ['aa11111aaaa', 5, 'aa111'],
    ['.....', 3, ''],
    ['aa.....', 3, 'aa'],
    ['a*aa.....', 3, 'a*a'],
    ['a**aa.....', 3, 'a'],
    ['aaaa', 0, ''],
    ['a.', 3, 'a.'],
  ] as const) {
    assert.equal(shortenName(name, max), expected)
  }
})

test('a request is named after certificate and revision', () => {
  assert.equal(requestName('web', 7, sha256Hex), 'web-7')
  const longest = 'a'.repeat(233)
  assert.equal(requestName(longest, 1, sha256Hex), `${longest}-1`)
})

test('a request of a Certificate with a very long name keeps 168 characters and a hash', () => {
  const name = 'a'.repeat(234)
  assert.equal(requestName(name, 12, sha256Hex), `${'a'.repeat(168)}-${sha256Hex(name)}-12`)
  const dotted = `${'a'.repeat(150)}${'.'.repeat(30)}${'b'.repeat(60)}`
  assert.equal(requestName(dotted, 1, sha256Hex), `${'a'.repeat(150)}-${sha256Hex(dotted)}-1`)
})

test('names of requests fit Kubernetes and never collide', () => {
  const name = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/)
  fc.assert(
    fc.property(name, name, fc.integer({ min: 1, max: 1_000_000 }), (one, other, revision) => {
      const made = requestName(one, revision, sha256Hex)
      assert.ok(made.length <= 253)
      assert.equal(made === requestName(other, revision, sha256Hex), one === other)
    }),
  )
})

test('the challenge record of a name and its wildcard stand at one place', () => {
  assert.equal(challengeFqdn('Example.COM'), '_acme-challenge.example.com.')
  assert.equal(challengeFqdn('*.example.com'), '_acme-challenge.example.com.')
  assert.equal(challengeFqdn('example.com.'), '_acme-challenge.example.com.')
})
