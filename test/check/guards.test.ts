import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { guardCases, guards } from '../../tools/check/guard-cases.ts'
import { projectRoot } from '../../tools/check/root.ts'

for (const [name, { file, guard }] of Object.entries(guards)) {
  test(`the guard ${name} stands where test:guards takes it away`, async () => {
    const text = await readFile(join(projectRoot, file), 'utf8')
    assert.equal(text.split(guard).length, 2, `${file} does not hold it exactly once`)
  })
}

test('every guard is the one meant in a case, and what it adds is told from a case without it', () => {
  const taken = guardCases.map(({ take }) => take.join())
  const meant = new Set(guardCases.flatMap(({ take }) => take.slice(-1)))
  assert.deepEqual([...meant].sort(), Object.keys(guards).sort())
  for (const { take } of guardCases.filter(({ take }) => take.length > 0))
    assert.ok(taken.includes(take.slice(0, -1).join()), `nothing runs without the last of ${take.join(', ')}`)
})
