import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { durationMs, formatGoDuration, parseGoDuration } from '../../workflows/domain/go-duration.ts'

const readable: [text: string, ms: number][] = [
  ['2160h', 7_776_000_000],
  ['1h30m', 5_400_000],
  ['1.5h', 5_400_000],
  ['300ms', 300],
  ['0', 0],
  ['-0', 0],
  ['+5s', 5_000],
  ['-1m', -60_000],
  ['.5s', 500],
  ['5.s', 5_000],
  ['2us', 0.002],
  ['2µs', 0.002],
  ['2μs', 0.002],
  ['100ns', 0.0001],
  ['1h1m1s1ms', 3_661_001],
]
for (const [text, ms] of readable) {
  test(`the duration "${text}" is ${ms} ms`, () => assert.deepEqual(parseGoDuration(text), { ms }))
}

const unreadable: [text: string, wrong: RegExp][] = [
  ['', /is empty: write numbers with units/],
  ['-', /is empty/],
  ['5', /no unit after "5"/],
  ['1h30', /no unit after "30"/],
  ['h', /no number before "h"/],
  ['1 h', /unknown unit " h"/],
  ['90d', /unknown unit "d": use h, m, s, ms, us or ns/],
  ['1hour', /unknown unit "hour"/],
  ['--1h', /no number before "-1h"/],
  ['1h.m', /no number before ".m"/],
  ['1constructor', /unknown unit "constructor"/],
  ['2562048h', /longer than 2562047h/],
]
for (const [text, wrong] of unreadable) {
  test(`the duration "${text}" is refused with what is wrong`, () => {
    const parsed = parseGoDuration(text)
    assert.ok('error' in parsed)
    assert.match(parsed.error, wrong)
    assert.equal(durationMs(text), undefined)
  })
}

const printed: [ms: number, text: string][] = [
  [7_776_000_000, '2160h0m0s'],
  [5_400_000, '1h30m0s'],
  [60_500, '1m0.5s'],
  [1_500, '1.5s'],
  [300, '300ms'],
  [1.5, '1.5ms'],
  [0.0015, '1.5µs'],
  [0.0001, '100ns'],
  [0, '0s'],
  [-90_000, '-1m30s'],
]
for (const [ms, text] of printed) {
  test(`${ms} ms are printed like Go prints them, "${text}"`, () => assert.equal(formatGoDuration(ms), text))
}

test('an absent duration has no milliseconds', () => assert.equal(durationMs(undefined), undefined))

test('every whole number of milliseconds survives printing and reading', () => {
  fc.assert(
    fc.property(fc.integer({ min: -9_000_000_000_000, max: 9_000_000_000_000 }), (ms) => {
      const read = durationMs(formatGoDuration(ms))
      assert.ok(read !== undefined && Math.abs(read - ms) < 0.01)
    }),
  )
})

test('no text makes the reader throw', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseGoDuration(text)))
})
