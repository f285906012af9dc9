import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { World } from '../support/world.ts'
import { allCells, cell, describeCell, type Cell } from './support/cells.ts'
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

/** Around what cannot be taken back, or is recorded elsewhere than where it happens. */
const delicate: readonly Cell[] = [
  cell('ca', 'sign', 'after'),
  cell('ca', 'secret', 'after'),
  cell('acme', 'new-order', 'before'),
  cell('acme', 'order-recorded', 'after'),
  cell('acme', 'present', 'after'),
  cell('acme', 'finalize', 'after'),
]

const chosen: Record<KillerName, readonly Cell[]> = {
  'worker-kill': allCells(['ca', 'acme']),
  zombie: delicate,
  'temporal-kill': delicate,
  'api-kill': delicate,
  'pebble-lost': delicate,
  deleted: delicate,
  edited: delicate,
}

for (const [name, cells] of Object.entries(chosen) as [KillerName, readonly Cell[]][]) {
  test(`${killers[name].does}, at ${cells.length} moments: every invariant holds`, async () => {
    const results = await round(world, name, cells)
    const bad = results.flatMap(({ cell, troubles }) =>
      troubles.map((one) => `${describeCell(cell)}: ${one}`),
    )
    assert.deepEqual(bad, [])
  })
}
