import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { WorkQueue, type WorkQueueOptions } from '../../k8s-bridge/informers/work-queue.ts'
import { recordingLogger, until } from './support/harness.ts'

interface Job {
  key: string
  value: number
  signal: AbortSignal
  end: (error?: Error) => void
}

/** A queue whose work ends when the test says so. */
function setup(t: TestContext, options: Partial<WorkQueueOptions<number>> = {}) {
  const jobs: Job[] = []
  const logger = recordingLogger()
  const queue = new WorkQueue<number>({
    name: 'test',
    logger,
    process: (key, value, signal) =>
      new Promise((resolve, reject) => {
        jobs.push({ key, value, signal, end: (error) => (error ? reject(error) : resolve()) })
      }),
    backoffBase: 2,
    backoffMax: 8,
    ...options,
  })
  t.after(async () => {
    const stopped = queue.stop()
    for (const job of jobs) job.end()
    await stopped
  })
  const keys = () => jobs.map(({ key, value }) => `${key}${value}`)
  return { queue, jobs, keys, logger }
}

test('a key that is added again while it is worked on runs once more, with the newest value', async (t) => {
  const { queue, jobs, keys } = setup(t)
  queue.add('a', 1)
  queue.add('a', 2)
  queue.add('a', 3)
  queue.add('b', 1)
  assert.deepEqual(keys(), ['a1', 'b1'])
  jobs[0]?.end()
  await until('a runs again', () => jobs.length === 3)
  assert.deepEqual(keys(), ['a1', 'b1', 'a3'])
  for (const job of jobs) job.end()
  await queue.whenIdle()
  assert.equal(jobs.length, 3)
  assert.equal(queue.size, 0)
})

test('a key in line takes its newest value with it and keeps its place', async (t) => {
  const { queue, jobs, keys } = setup(t, { concurrency: 1 })
  for (const [key, value] of [
    ['a', 1],
    ['b', 1],
    ['c', 1],
    ['b', 2],
  ] as const)
    queue.add(key, value)
  for (let done = 1; done <= 3; done++) {
    await until(`job ${done} runs`, () => jobs.length === done)
    assert.equal(queue.health.running, 1)
    jobs[done - 1]?.end()
  }
  await queue.whenIdle()
  assert.deepEqual(keys(), ['a1', 'b2', 'c1'])
})

test('no more keys than the limit are worked on at once', async (t) => {
  const { queue, jobs } = setup(t, { concurrency: 3 })
  for (let i = 0; i < 10; i++) queue.add(String(i), i)
  assert.equal(jobs.length, 3)
  for (let i = 0; i < 10; i++) {
    await until('the next job runs', () => jobs.length > i)
    assert.ok(queue.health.running <= 3)
    jobs[i]?.end()
  }
  await queue.whenIdle()
  assert.equal(jobs.length, 10)
})

test('a key that failed waits its growing pause, whatever is added meanwhile, and then has the newest value', async (t) => {
  const { queue, jobs, keys, logger } = setup(t, { backoffBase: 40, backoffMax: 1000, random: () => 0 })
  queue.add('a', 1)
  const at = [performance.now()]
  for (let round = 1; round <= 3; round++) {
    jobs.at(-1)?.end(new Error('no answer'))
    await until('the key waits', () => queue.health.waiting === 1)
    queue.add('a', round + 1)
    assert.equal(queue.health.running, 0)
    await until('the retry runs', () => jobs.length === round + 1)
    at.push(performance.now())
  }
  assert.deepEqual(keys(), ['a1', 'a2', 'a3', 'a4'])
  const pauses = at.slice(1).map((time, i) => time - (at[i] ?? 0))
  for (const [i, least] of [40, 80, 160].entries())
    assert.ok((pauses[i] ?? 0) >= least - 2, `pause ${i} was ${pauses[i]} ms`)
  assert.equal(queue.health.failures, 3)
  assert.match(logger.text(), /work failed.*"key":"a".*no answer/)
})

test('retryNow ends the pauses of all keys', async (t) => {
  const { queue, jobs } = setup(t, { backoffBase: 60_000, backoffMax: 60_000 })
  queue.add('a', 1)
  queue.add('b', 1)
  for (const job of jobs) job.end(new Error('away'))
  await until('both wait', () => queue.health.waiting === 2)
  queue.retryNow()
  assert.equal(jobs.length, 4)
})

test('stop drops what waits, aborts what runs and takes nothing more', async (t) => {
  const { queue, jobs } = setup(t, { concurrency: 1 })
  queue.add('a', 1)
  queue.add('b', 1)
  const stopped = queue.stop()
  assert.equal(jobs[0]?.signal.aborted, true)
  queue.add('c', 1)
  jobs[0].end(new Error('aborted'))
  await stopped
  assert.equal(jobs.length, 1)
  assert.equal(queue.size, 0)
})

test('a queue without values needs none', async () => {
  const seen: string[] = []
  const queue = new WorkQueue({
    name: 'plain',
    logger: recordingLogger(),
    process: async (key) => void seen.push(key),
  })
  queue.add('a')
  await queue.whenIdle()
  assert.deepEqual(seen, ['a'])
})
