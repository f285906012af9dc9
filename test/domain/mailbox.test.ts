import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  emptyMailbox,
  isEmpty,
  parseDoorbell,
  parsePause,
  parseRenew,
  post,
  take,
  type MailboxMessage,
} from '../../workflows/domain/mailbox.ts'

const postAll = (...messages: MailboxMessage[]) => messages.reduce(post, emptyMailbox())

test('a new mailbox is empty, and every signal fills it', () => {
  assert.ok(isEmpty(emptyMailbox()))
  for (const signal of ['changed', 'deleted', 'renew', 'pause', 'refresh'] as const) {
    assert.ok(!isEmpty(postAll({ signal })), signal)
  }
})

test('what is taken is gone', () => {
  const { taken, mailbox } = take(postAll({ signal: 'changed' }, { signal: 'refresh' }))
  assert.deepEqual([taken.looked, taken.refresh, taken.deleted], [true, true, false])
  assert.ok(isEmpty(mailbox))
})

test('renewals before the next look are merged into one', () => {
  const { renew } = postAll(
    { signal: 'renew', input: { reason: 'key leaked', force: true } },
    { signal: 'renew', input: { reason: 'drill' } },
    { signal: 'renew' },
  )
  assert.deepEqual(renew, { reason: 'drill', force: true, count: 3 })
})

test('the last word on pausing counts', () => {
  assert.equal(postAll({ signal: 'pause' }, { signal: 'pause', input: { on: false } }).pause, false)
  assert.equal(postAll({ signal: 'pause', input: { on: false } }, { signal: 'pause' }).pause, true)
  assert.equal(postAll({ signal: 'changed' }).pause, undefined)
})

test('causes are kept once each, the last five', () => {
  const causes = ['a', 'b', 'a', 'c', 'd', 'e', 'f']
  const messages = causes.map((cause) => ({ signal: 'changed' as const, input: { cause } }))
  assert.deepEqual(postAll(...messages).causes, ['a', 'c', 'd', 'e', 'f'])
})

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

const renewals: [input: unknown, reason: string, force: boolean][] = [
  [undefined, '', false],
  [null, '', false],
  ['key leaked', 'key leaked', false],
  [{ reason: 'x', force: true }, 'x', true],
  [{ reason: 5, force: 'true' }, '', true],
  [{ force: 1 }, '', false],
  [[{ force: true }], '', false],
  [{ reason: '  two\nlines\u0000\u202e ' }, 'two lines', false],
  [{ reason: 'see -----BEGIN PRIVATE KEY-----\nMII' }, 'see', false],
  [{ reason: '   ' }, '', false],
]
for (const [input, reason, force] of renewals) {
  test(`renew with ${JSON.stringify(input)} is understood`, () =>
    assert.deepEqual(parseRenew(input), { reason, force }))
}

test('a long reason is cut to 128 whole characters', () => {
  const { reason } = parseRenew({ reason: '🔑'.repeat(500) })
  assert.equal(reason, '🔑'.repeat(128))
})

test('nothing that anybody sends makes a handler throw or leaves something that cannot be stored', () => {
  const signal = fc.constantFrom('changed', 'deleted', 'renew', 'pause', 'refresh')
  const input = fc.oneof(
    fc.jsonValue(),
    fc.record(
      {
        uid: fc.jsonValue(),
        generation: fc.jsonValue(),
        cause: fc.string({ unit: 'binary' }),
        reason: fc.string({ unit: 'binary' }),
        force: fc.jsonValue(),
        on: fc.jsonValue(),
      },
      { requiredKeys: [] },
    ),
  )
  fc.assert(
    fc.property(fc.array(fc.record({ signal, input })), (messages) => {
      const mailbox = postAll(...(messages as MailboxMessage[]))
      assert.deepEqual(JSON.parse(JSON.stringify(mailbox)), mailbox)
      assert.ok(JSON.stringify(mailbox).isWellFormed())
      assert.ok(mailbox.causes.length <= 5 && mailbox.causes.every((cause) => [...cause].length <= 128))
      assert.equal(mailbox.renew?.count ?? 0, messages.filter((message) => message.signal === 'renew').length)
    }),
  )
})
