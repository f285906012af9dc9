import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nextAttempt, type BackOffInput } from '../../workflows/domain/back-off.ts'
import { timeOf } from '../../workflows/domain/time-text.ts'

const lastFailure = '2026-01-01T00:00:00Z'

const cases: [name: string, input: BackOffInput, next: string | undefined][] = [
  ['without a failure there is no back-off', { failures: 3 }, undefined],
  ['a first failure waits an hour', { lastFailure, failures: 1 }, '2026-01-01T01:00:00Z'],
  ['a failure without count waits an hour', { lastFailure }, '2026-01-01T01:00:00Z'],
  ['a count of 0 waits an hour', { lastFailure, failures: 0 }, '2026-01-01T01:00:00Z'],
  ['a third failure waits four hours', { lastFailure, failures: 3 }, '2026-01-01T04:00:00Z'],
  ['a sixth failure waits 32 hours', { lastFailure, failures: 6 }, '2026-01-02T08:00:00Z'],
  ['a seventh failure waits no longer', { lastFailure, failures: 7 }, '2026-01-02T08:00:00Z'],
  ['a thousandth failure waits no longer', { lastFailure, failures: 5000 }, '2026-01-02T08:00:00Z'],
  [
    'the operator sets minimum and maximum',
    { lastFailure, failures: 9, min: 1000, max: 5000 },
    '2026-01-01T00:00:05Z',
  ],
  [
    'a minimum over the maximum wins',
    { lastFailure, failures: 9, min: 9000, max: 5000 },
    '2026-01-01T00:00:09Z',
  ],
  ['a minimum of 0 switches the back-off off', { lastFailure, failures: 9, min: 0 }, undefined],
]
for (const [name, input, next] of cases) test(name, () => assert.equal(nextAttempt(input), next))

test('more failures never wait shorter, and never beyond 32 hours', () => {
  fc.assert(
    fc.property(fc.integer({ min: -5, max: 2000 }), (failures) => {
      const [now, later] = [
        nextAttempt({ lastFailure, failures }),
        nextAttempt({ lastFailure, failures: failures + 1 }),
      ]
      assert.ok(now !== undefined && later !== undefined && now <= later)
      assert.ok(timeOf(later) - timeOf(lastFailure) <= 32 * 3_600_000)
    }),
  )
})
