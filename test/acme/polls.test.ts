import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Polls } from '../../activities/acme/polls.ts'

const { signal } = new AbortController()

/** The waits in milliseconds that a window of no length leaves to whoever comes after it. */
async function waits(polls: Polls, answers: ({ retryAfterMs?: number } | undefined)[]): Promise<number[]> {
  const left: number[] = []
  for (const answer of answers) left.push(Date.parse((await polls.pause(answer, signal)) ?? '') - Date.now())
  return left
}

test('after a POST of ours come two early looks, once in a window, then those that the CA asks for', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000 })
  const polls = new Polls(0, { earlyLooks: true })
  polls.posted()
  assert.deepEqual(await waits(polls, [{ retryAfterMs: 600_000 }]), [100])
  polls.posted()
  assert.deepEqual(await waits(polls, [{}, { retryAfterMs: 600_000 }, undefined]), [200, 600_000, 1_000])
  polls.posted()
  assert.deepEqual(await waits(polls, [{ retryAfterMs: 3_000 }]), [3_000])
})

test('a window that only goes on looking keeps the pace of the CA from its first look on', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000 })
  const polls = new Polls(0, { earlyLooks: true })
  assert.deepEqual(await waits(polls, [{ retryAfterMs: 600_000 }]), [600_000])
})

test('an operator who wants no early looks gets none', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000 })
  const polls = new Polls(0, { earlyLooks: false })
  polls.posted()
  assert.deepEqual(await waits(polls, [{ retryAfterMs: 3_000 }]), [3_000])
})

test('a look that is due within the window is waited for', async (t) => {
  t.mock.timers.enable({ apis: ['Date', 'setTimeout'], now: 1_000 })
  const pause = new Polls(5_000, { earlyLooks: true }).pause({ retryAfterMs: 4_000 }, signal)
  t.mock.timers.tick(4_000)
  assert.equal(await pause, undefined)
})
