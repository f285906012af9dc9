import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultPoints } from '../integration/crash/support/fault-points.ts'
import { cellsFor } from '../integration/crash/support/cells.ts'
import { killers, type KillerName } from '../integration/crash/support/killers.ts'
import { help, readCrashOptions } from '../../tools/check/crash-options.ts'

test('without options every killer strikes at every point', () => {
  assert.deepEqual(readCrashOptions([]), { killer: undefined, point: undefined, siege: false })
})

test('one killer and one point are taken as they are named', () => {
  const options = readCrashOptions(['--only', 'zombie', '--point', 'new-order'])
  assert.deepEqual(options, { killer: 'zombie', point: 'new-order', siege: false })
})

test('a killer and a point that do not exist are refused with those that do', () => {
  assert.throws(() => readCrashOptions(['--only', 'typo']), /no killer 'typo', only worker-kill, zombie/)
  assert.throws(() => readCrashOptions(['--point', 'typo']), /no point 'typo', only account, issuing/)
})

test('every killer has a cell at every point', () => {
  for (const killer of Object.keys(killers) as KillerName[])
    assert.deepEqual(
      new Set(cellsFor(killer).map(({ point }) => point)),
      new Set(Object.keys(faultPoints)),
      killer,
    )
})

test('the siege takes neither a killer nor a point', () => {
  assert.deepEqual(readCrashOptions(['--siege'])?.siege, true)
  for (const more of [
    ['--only', 'zombie'],
    ['--point', 'key'],
  ])
    assert.throws(() => readCrashOptions(['--siege', ...more]), /leave --only and --point out/)
})

test('the help names every killer and every point', () => {
  assert.equal(readCrashOptions(['--help']), undefined)
  for (const word of [...Object.keys(killers), ...Object.keys(faultPoints)])
    assert.ok(help.includes(word), word)
})
