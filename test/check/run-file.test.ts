import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runTestFile } from '../../tools/check/run-file.ts'
import { countsLine, isGood } from '../../tools/check/tally.ts'
import { folderWith, runText } from './support.ts'

test('tests within tests count, what holds them does not', async () => {
  const result = await runText(`
    test('flat', () => {})
    test('parent', async (t) => {
      await t.test('child a', () => {})
      await t.test('child b', async (t) => { await t.test('deep', () => {}) })
    })
    describe('suite', () => { it('x', () => {}); it('y', () => {}) })
    describe('empty', () => {})`)
  assert.equal(result.trouble, undefined)
  assert.equal(countsLine(result.counts), '5 passed, 0 failed, 0 skipped')
})

test('a failed test counts once, however deep it lies, and its error is told', async () => {
  const result = await runText(`
    test('parent', async (t) => {
      await t.test('good', () => {})
      await t.test('bad', () => assert.equal(1, 2, 'one is not two'))
    })`)
  assert.equal(countsLine(result.counts), '1 passed, 1 failed, 0 skipped')
  const failed = result.results.filter(({ event, own }) => event === 'fail' && own)
  assert.deepEqual(
    failed.map(({ name }) => name),
    ['bad'],
  )
  assert.match(failed[0]?.text ?? '', /one is not two/)
})

test('a parent that fails by itself counts, although all tests within it passed', async () => {
  const result = await runText(`
    test('parent', async (t) => {
      await t.test('good', () => {})
      throw new Error('after')
    })`)
  assert.equal(countsLine(result.counts), '1 passed, 1 failed, 0 skipped')
})

test('a hook that fails fails the tests that need it, and the suite', async () => {
  const result = await runText(`
    describe('suite', () => { before(() => { throw new Error('no server') }); it('x', () => {}) })`)
  assert.equal(countsLine(result.counts), '0 passed, 2 failed, 0 skipped')
})

test('skipped tests, skipped suites and todos count as skipped, and the run is not good', async () => {
  const result = await runText(`
    test('good', () => {})
    test.skip('left out', () => {})
    test('with a reason', { skip: 'no network' }, () => {})
    test.todo('later')
    describe.skip('suite', () => { it('x', () => {}) })`)
  assert.equal(countsLine(result.counts), '1 passed, 0 failed, 4 skipped')
  assert.equal(isGood(result.counts), false)
})

test('what a test prints is kept and cannot be mistaken for a result', async () => {
  const result = await runText(`
    test('prints', () => console.log('{"event":"fail","name":"false alarm","nesting":0,"own":true}'))`)
  assert.equal(countsLine(result.counts), '1 passed, 0 failed, 0 skipped')
  assert.match(result.output, /false alarm/)
})

test('a file without a test fails', async () => {
  const result = await runText('')
  assert.equal(result.trouble, 'has no test')
  assert.equal(countsLine(result.counts), '0 passed, 1 failed, 0 skipped')
})

test('a file that cannot be loaded fails, with what it printed', async () => {
  const result = await runText("import './missing.mjs'")
  assert.match(result.trouble ?? '', /ended with exit code 1 before all of its tests had run/)
  assert.match(result.output, /missing\.mjs/)
})

test('a process that ends with exit code 0 in the middle of its tests fails', async () => {
  const result = await runText(`
    test('good', () => {})
    test('leaves', async () => { await new Promise((done) => setImmediate(done)); process.exit(0) })
    test('never', () => {})`)
  assert.match(result.trouble ?? '', /ended with exit code 0 before all of its tests had run/)
  assert.equal(result.counts.failed, 1)
})

test('a hanging test is ended at the time limit and named', async () => {
  const result = await runText(
    "test('waits for ever', () => new Promise(() => { setInterval(() => {}, 1000) }))",
    { limitMs: 1500 },
  )
  assert.match(result.trouble ?? '', /after its time limit of 2 s while this ran: waits for ever/)
  assert.equal(result.counts.failed, 1)
})

test('a file that leaves something open is ended at the time limit and told so', async () => {
  const result = await runText("test('good', () => { setInterval(() => {}, 1000) })", { limitMs: 1500 })
  assert.match(result.trouble ?? '', /no test was running, so something that a test left open/)
  assert.equal(countsLine(result.counts), '1 passed, 1 failed, 0 skipped')
})

test('children of a file are ended with it', async () => {
  // The child holds our end of the pipe open: while it lives there is no answer.
  const result = await runText(`
    import { spawn } from 'node:child_process'
    test('starts a child', () => {
      spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' }).unref()
    })`)
  assert.equal(result.trouble, undefined)
  assert.equal(countsLine(result.counts), '1 passed, 0 failed, 0 skipped')
})

test('an interruption ends a file, which then counts as failed', async () => {
  await using folder = await folderWith({
    'a.test.mjs':
      "import { test } from 'node:test'\ntest('waits', () => new Promise(() => { setInterval(() => {}, 1000) }))",
  })
  const controller = new AbortController()
  const result = await runTestFile({
    ...{ root: folder.path, file: 'a.test.mjs', env: process.env, limitMs: 30_000 },
    signal: controller.signal,
    onEvent: ({ event }) => event === 'begin' && controller.abort(),
  })
  assert.equal(result.trouble, 'was interrupted')
  assert.ok(result.ms < 10_000)
})
