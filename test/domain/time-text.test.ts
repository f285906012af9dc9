import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  formatGoTime,
  formatRfc1123,
  formatTime,
  parseTime,
  timeOf,
} from '../../workflows/domain/time-text.ts'

const at = Date.UTC(2026, 11, 1, 4, 11, 0)

test('RFC 3339 times are read with fractions and offsets', () => {
  assert.equal(parseTime('2026-12-01T04:11:00Z'), at)
  assert.equal(parseTime('2026-12-01T05:11:00+01:00'), at)
  assert.equal(parseTime('2026-12-01t04:11:00.250z'), at + 250)
})

test('what is no RFC 3339 time is not read', () => {
  for (const text of [
    '',
    '2026-12-01',
    'now',
    'Tue, 01 Dec 2026 04:11:00 UTC',
    '2026-13-01T04:11:00Z',
    undefined,
  ]) {
    assert.equal(parseTime(text), undefined)
  }
  assert.throws(() => timeOf('yesterday'), /"yesterday" is not an RFC 3339 time/)
})

test('times are written in whole seconds as Kubernetes and Go write them', () => {
  assert.equal(formatTime(at + 999), '2026-12-01T04:11:00Z')
  assert.equal(formatGoTime(at), '2026-12-01 04:11:00 +0000 UTC')
  assert.equal(formatRfc1123(at), 'Tue, 01 Dec 2026 04:11:00 UTC')
})
