import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { commonNameOf, parseLiteralSubject } from '../../workflows/domain/literal-subject.ts'

const values: [text: string, value: string][] = [
  ['CN=example', 'example'],
  ['CN= example ', 'example'],
  ['CN=a\\,b', 'a,b'],
  ['CN=a\\2Cb', 'a,b'],
  ['CN=Lu\\C4\\8Di\\C4\\87', 'Lučić'],
  ['CN=Lučić', 'Lučić'],
  ['CN=a\\ ', 'a '],
  ['CN=\\#1', '#1'],
  ['CN=a=b', 'a=b'],
  ['2.5.4.3=example', 'example'],
  ['CN=100%', '100%'],
]
for (const [text, value] of values) {
  test(`the common name of ${text} is "${value}"`, () => {
    const parsed = parseLiteralSubject(text)
    assert.ok('rdns' in parsed)
    assert.equal(commonNameOf(parsed.rdns), value)
  })
}

test('RDNs stay in the order of the text, with several attributes where they are joined', () => {
  assert.deepEqual(parseLiteralSubject('CN=x+UID=7,OU=web;DC=example'), {
    rdns: [
      [
        { oid: '2.5.4.3', value: 'x' },
        { oid: '0.9.2342.19200300.100.1.1', value: '7' },
      ],
      [{ oid: '2.5.4.11', value: 'web' }],
      [{ oid: '0.9.2342.19200300.100.1.25', value: 'example' }],
    ],
  })
})

const broken: [text: string, wrong: RegExp][] = [
  ['example', /has "example" where an attribute like "CN=example" belongs/],
  ['CN=x,', /has "" where an attribute/],
  ['=x', /has "=x" where/],
  ['cn=x', /unknown attribute "cn": use C, O,/],
  ['EMAIL=x', /unknown attribute "EMAIL"/],
  ['3.1=x', /unknown attribute "3.1"/],
  ['1.40=x', /unknown attribute "1.40"/],
  ['CN=a\\zb', /broken escape in the value of CN/],
  ['CN=\\C4', /broken escape in the value of CN/],
]
for (const [text, wrong] of broken) {
  test(`the subject ${text} is refused with what is wrong`, () => {
    const parsed = parseLiteralSubject(text)
    assert.ok('error' in parsed)
    assert.match(parsed.error, wrong)
  })
}

test('every well-formed value survives escaping', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (value) => {
      const escaped = value
        .replace(/[\\",+;<>=# ]/g, (character) => `\\${character}`)
        .replaceAll('\0', '\\00')
      const parsed = parseLiteralSubject(`CN=${escaped}`)
      assert.ok('rdns' in parsed)
      assert.equal(commonNameOf(parsed.rdns).trim(), value.trim())
    }),
  )
})

test('no text makes the parser throw', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseLiteralSubject(`CN=${text}`)))
})
