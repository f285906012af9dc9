import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDoorbell, parsePause, parseRenew } from '../../workflows/domain/doorbell-messages.ts'

test('a doorbell keeps the fields that it understands', () => {
  assert.deepEqual(parseDoorbell({ v: 1, uid: 'u', generation: 3, cause: 'spec' }), {
    uid: 'u',
    generation: 3,
    cause: 'spec',
  })
  assert.deepEqual(parseDoorbell({ uid: 7, generation: '3', cause: {} }), {})
  assert.deepEqual(parseDoorbell({ generation: -1 }), {})
})

const pauses: [input: unknown, on: boolean][] = [
  [undefined, true],
  [null, true],
  [{}, true],
  [{ on: true }, true],
  [{ on: false }, false],
  [{ on: 'false' }, false],
  [{ on: 'Off' }, false],
  [{ on: null }, true],
  [false, false],
  ['off', false],
  ['on', true],
  [0, false],
  [[], true],
  [[false], true],
]
for (const [input, on] of pauses) {
  test(`pause with ${JSON.stringify(input)} ${on ? 'pauses' : 'goes on'}`, () =>
    assert.equal(parsePause(input), on))
}

const renewals: [input: unknown, reason: string][] = [
  [undefined, ''],
  [null, ''],
  ['key leaked', 'key leaked'],
  [{ reason: 'x', more: true }, 'x'],
  [{ reason: 5 }, ''],
  [[{ reason: 'x' }], ''],
  [{ reason: '  two\nlines\u0000\u202e ' }, 'two lines'],
  [{ reason: 'see -----BEGIN PRIVATE KEY-----\nMII' }, 'see'],
  [{ reason: '   ' }, ''],
]
for (const [input, reason] of renewals) {
  test(`renew with ${JSON.stringify(input)} is understood`, () =>
    assert.deepEqual(parseRenew(input), { reason }))
}

test('a long reason is cut to 128 whole characters', () => {
  const { reason } = parseRenew({ reason: '🔑'.repeat(500) })
  assert.equal(reason, '🔑'.repeat(128))
})
