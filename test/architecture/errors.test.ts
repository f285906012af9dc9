import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorsPage } from '../../tools/docs/errors-page.ts'
import { actors } from '../../workflows/domain/actors.ts'
import { failures } from '../../workflows/domain/failures.ts'
import { readSource } from './source.ts'

const page = readSource('docs/errors.md')

test('docs/errors.md is what the closed list of failures says', () => {
  assert.equal(page, errorsPage(), 'run "node tools/node24.mjs tools/docs/errors.ts"')
})

test('every failure code has one row with its meaning, who acts and the remedy, and an anchor', () => {
  for (const [code, { acts, meaning, remedy }] of Object.entries(failures)) {
    const rows = page.split('\n').filter((line) => line.includes(`\`${code}\` |`))
    assert.equal(rows.length, 1, code)
    assert.ok(rows[0]?.includes(`<a id="${code.toLowerCase()}"></a>`), code)
    assert.ok(rows[0]?.endsWith(`| ${meaning} | ${actors[acts]} | ${remedy} |`), rows[0])
  }
})
