import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isIPv4, isIPv6 } from 'node:net'
import fc from 'fast-check'
import { canonicalIp, isCidr } from '../../workflows/domain/ip-address.ts'

const canonical: [text: string, expected: string | undefined][] = [
  ['192.0.2.1', '192.0.2.1'],
  ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['2001:0db8::0001', '2001:db8::1'],
  ['::', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
  ['192.0.2.01', undefined],
  ['192.0.2', undefined],
  ['192.0.2.256', undefined],
  ['1:2:3:4:5:6:7', undefined],
  ['1:2:3:4:5:6:7:8:9', undefined],
  ['1::2::3', undefined],
  ['1:2:3:4:5:6:7::8', undefined],
  ['fe80::1%eth0', undefined],
  ['192.0.2.1::', undefined],
  [':1', undefined],
  ['example.com', undefined],
  ['', undefined],
]
for (const [text, expected] of canonical) {
  test(`the address "${text}" is ${expected ?? 'refused'}`, () => assert.equal(canonicalIp(text), expected))
}

test('networks are addresses with a prefix that fits', () => {
  for (const text of ['10.0.0.0/8', '0.0.0.0/0', '2001:db8::/32', '::/128']) assert.ok(isCidr(text), text)
  for (const text of [
    '10.0.0.0',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/8/8',
    'x/8',
    '10.0.0.0/',
    '10.0.0.0/-1',
  ]) {
    assert.ok(!isCidr(text), text)
  }
})

test('the canonical text is an address again and canonical itself', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const once = canonicalIp(text)
      assert.ok(once !== undefined && (isIPv4(once) || isIPv6(once)))
      assert.equal(canonicalIp(once), once)
    }),
  )
})

test('exactly the addresses that Node knows are accepted', () => {
  const almost = fc.stringMatching(/^[0-9a-f:.]{0,20}$/)
  fc.assert(
    fc.property(almost, (text) =>
      assert.equal(canonicalIp(text) !== undefined, isIPv4(text) || isIPv6(text)),
    ),
    { numRuns: 500 },
  )
})
