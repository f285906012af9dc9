// Every killer at every point. `npm run test:crash` runs it, chooses by the environment, and shows the table.
import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { test } from 'node:test'
import { arena, troublesOf } from '../support/arena.ts'
import { cellsFor, describeCell } from '../support/cells.ts'
import { killers, type KillerName } from '../support/killers.ts'
import { round } from '../support/round.ts'

const {
  CERTLOOM_CRASH_KILLER: onlyKiller,
  CERTLOOM_CRASH_POINT: onlyPoint,
  CERTLOOM_CRASH_RESULTS: results,
} = process.env
const names = (Object.keys(killers) as KillerName[]).filter(
  (name) => onlyKiller === undefined || name === onlyKiller,
)

const place = arena()

for (const name of names) {
  const cells = cellsFor(name).filter(({ point }) => onlyPoint === undefined || point === onlyPoint)
  test(`${name}: ${killers[name].does}`, async () => {
    const judged = await round(place.world, name, cells)
    if (results !== undefined)
      for (const { killer, cell, troubles } of judged)
        appendFileSync(results, `${JSON.stringify({ killer, cell: describeCell(cell), troubles })}\n`)
    assert.deepEqual(troublesOf(judged), [])
  })
}
