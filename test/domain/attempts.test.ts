import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addAttempt, runningAttempt, settleAttempt, type Attempt } from '../../workflows/domain/attempts.ts'

const begun = { revision: 1, cause: 'DoesNotExist', startedAt: '2026-01-01T00:00:00Z' }
const issued = { endedAt: '2026-01-01T00:00:01Z', outcome: 'issued' } as const

test('attempts are numbered from 1 and the last 20 are kept', () => {
  let attempts: Attempt[] = []
  for (let count = 0; count < 25; count += 1) attempts = addAttempt(attempts, begun)
  assert.deepEqual(
    attempts.map(({ number }) => number),
    Array.from({ length: 20 }, (_, index) => index + 6),
  )
})

test('a number that was counted elsewhere is taken over', () => {
  const attempts = addAttempt([], { ...begun, number: 41 })
  assert.equal(addAttempt(attempts, begun).at(-1)?.number, 42)
})

test('an attempt runs until it is settled', () => {
  const attempts = addAttempt([], begun)
  assert.equal(runningAttempt(attempts)?.number, 1)
  const settled = settleAttempt(attempts, 1, {
    ...issued,
    outcome: 'failed',
    code: 'OrderRejected',
    message: 'no',
  })
  assert.deepEqual(settled, [
    { number: 1, ...begun, endedAt: issued.endedAt, outcome: 'failed', code: 'OrderRejected', message: 'no' },
  ])
  assert.equal(runningAttempt(settled), undefined)
  assert.equal(runningAttempt([]), undefined)
})

test('an attempt is settled once, and unknown ones never', () => {
  const settled = settleAttempt(addAttempt([], begun), 1, issued)
  assert.deepEqual(settleAttempt(settled, 1, { ...issued, outcome: 'cancelled' }), settled)
  assert.deepEqual(settleAttempt(settled, 7, { ...issued, outcome: 'cancelled' }), settled)
})

test('the list before is left as it was', () => {
  const before = addAttempt([], begun)
  const copy = structuredClone(before)
  settleAttempt(addAttempt(before, begun), 1, issued)
  assert.deepEqual(before, copy)
})
