import assert from 'node:assert/strict'
import { test } from 'node:test'
import { productFolders, readSource, sourceFiles } from './source.ts'

const longest = 300

test(`no file of the product code is longer than ${longest} lines`, () => {
  const files = sourceFiles(productFolders)
  assert.ok(files.length > 100)
  const long = files
    .map((file) => ({ file, lines: readSource(file).trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > longest)
    .map(({ file, lines }) => `${file}: ${lines} lines`)
  assert.deepEqual(long, [])
})
