import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arena, troublesOf } from './support/arena.ts'
import { allCells, cell, renewalCell, type Cell } from './support/cells.ts'
import { killers, type KillerName } from './support/killers.ts'
import { round } from './support/round.ts'

const place = arena()

/** The cheapest killer at every point; the others where they have shown, or are likeliest to show, a defect. */
const chosen: Readonly<Record<KillerName, readonly Cell[]>> = {
  'worker-kill': allCells(['ca', 'acme']),
  zombie: [
    cell('ca', 'sign', 'after'),
    cell('acme', 'new-order', 'after'),
    cell('acme', 'present', 'before'),
    cell('acme', 'download', 'before'),
    cell('acme', 'secret', 'before'),
    renewalCell('acme', 'finalize', 'after'),
    renewalCell('acme', 'secret', 'before'),
    renewalCell('acme', 'status', 'before'),
    renewalCell('ca', 'secret', 'before'),
  ],
  'temporal-kill': [
    cell('ca', 'continue-as-new', 'before'),
    cell('acme', 'order-recorded', 'after'),
    cell('acme', 'answer', 'after'),
  ],
  'api-kill': [
    cell('ca', 'tidy', 'before'),
    cell('acme', 'claim', 'after'),
    cell('acme', 'download', 'after'),
    cell('acme', 'unclaim', 'before'),
  ],
  'pebble-lost': [
    cell('acme', 'new-order', 'after'),
    cell('acme', 'answer', 'before'),
    cell('acme', 'finalize', 'after'),
    renewalCell('acme', 'finalize', 'before'),
    renewalCell('acme', 'finalize', 'after'),
  ],
  deleted: [
    cell('ca', 'secret', 'before'),
    cell('acme', 'claim', 'before'),
    cell('acme', 'present', 'after'),
    cell('acme', 'download', 'before'),
  ],
  edited: [
    cell('ca', 'status', 'before'),
    cell('acme', 'present', 'before'),
    cell('acme', 'finalize', 'before'),
    cell('acme', 'continue-as-new', 'after'),
  ],
}

for (const [name, cells] of Object.entries(chosen) as [KillerName, readonly Cell[]][]) {
  test(`${killers[name].does}, at ${cells.length} moments: every invariant holds`, async () => {
    assert.deepEqual(troublesOf(await round(place.world, name, cells)), [])
  })
}
