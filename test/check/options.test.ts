import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findTests } from '../../tools/check/find-tests.ts'
import { help, readOptions } from '../../tools/check/options.ts'
import { folderWith } from './support.ts'

function stages(...args: string[]) {
  const options = readOptions(args)
  return options && [options.checks, options.unit, options.integration]
}

test('without options everything is done', () => {
  assert.deepEqual(stages(), [true, true, true])
})

test('--unit does all that needs no servers, --integration only what needs them', () => {
  assert.deepEqual(stages('--unit'), [true, true, false])
  assert.deepEqual(stages('--integration'), [false, false, true])
})

test('--only may be repeated: files that match any of them are run', () => {
  const { only } = readOptions(['--only', 'domain', '--only', 'x509']) ?? {}
  assert.deepEqual(only, ['domain', 'x509'])
})

test('--only leaves the checks out', () => {
  assert.deepEqual(stages('--only', 'domain'), [false, true, true])
  assert.deepEqual(stages('--only', 'domain', '--unit'), [false, true, false])
})

test('--help is answered with examples', () => {
  assert.equal(readOptions(['--help']), undefined)
  assert.match(help, /examples:\n {2}npm test\n/)
})

test('the time limit of a file is given in minutes', () => {
  assert.equal(readOptions(['--file-limit', '0.5'])?.fileLimitMs, 30_000)
  assert.equal(readOptions([])?.fileLimitMs, 900_000)
})

for (const args of [
  ['--file-limit', 'soon'],
  ['--file-limit', '-1'],
  ['--only', ''],
  ['--fast'],
  ['domain'],
]) {
  test(`${args.join(' ')} is refused by name`, () => {
    assert.throws(() => readOptions(args), new RegExp(args[0] ?? ''))
  })
}

test('test files are found sorted, and told apart by the folder test/integration', async () => {
  await using folder = await folderWith({
    'test/b/two.test.ts': '',
    'test/a/one.test.ts': '',
    'test/a/helper.ts': '',
    'test/integration/c/three.test.ts': '',
    'other/four.test.ts': '',
  })
  assert.deepEqual(findTests(folder.path), {
    unit: ['test/a/one.test.ts', 'test/b/two.test.ts'],
    integration: ['test/integration/c/three.test.ts'],
  })
  assert.deepEqual(findTests(folder.path, ['test/b']).unit, ['test/b/two.test.ts'])
  assert.deepEqual(findTests(folder.path, ['nowhere', 'test/**/t*.test.ts']), {
    unit: ['test/b/two.test.ts'],
    integration: ['test/integration/c/three.test.ts'],
  })
  assert.deepEqual(findTests(folder.path, ['nowhere']), { unit: [], integration: [] })
})
