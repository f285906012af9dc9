import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { World } from '../support/world.ts'
import { allCells, describeCell, type Cell } from './support/cells.ts'
import { killers, type KillerName } from './support/killers.ts'
import { bringBack } from './support/outage.ts'
import { round } from './support/round.ts'

let world: World

before(async () => {
  world = await World.open()
  await world.startController('bridge')
})

after(async () => {
  await bringBack(world)
  await world.close()
})

const chosen: Partial<Record<KillerName, readonly Cell[]>> = { 'worker-kill': allCells(['ca', 'acme']) }

for (const [name, cells] of Object.entries(chosen) as [KillerName, readonly Cell[]][]) {
  test(`${killers[name].does}, at ${cells.length} moments: every invariant holds`, async () => {
    const results = await round(world, name, cells)
    const bad = results.flatMap(({ cell, troubles }) =>
      troubles.map((one) => `${describeCell(cell)}: ${one}`),
    )
    assert.deepEqual(bad, [])
  })
}
