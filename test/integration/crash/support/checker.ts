import { cleanliness } from './invariants/cleanliness.ts'
import { economy } from './invariants/economy.ts'
import { histories } from './invariants/histories.ts'
import { readiness } from './invariants/readiness.ts'
import { sight } from './invariants/sight.ts'
import { truth } from './invariants/truth.ts'
import { versions } from './invariants/versions.ts'
import type { CellObservation, Observation } from './observation.ts'

/** What is wrong with one cell, in sentences; each begins with the id of its invariant. */
export type Invariant = (cell: CellObservation, all: Observation) => string[]

const invariants: readonly Invariant[] = [
  ...[sight, readiness, versions, truth, economy, cleanliness, histories],
]

/** Holds every invariant against one cell. */
export function check(cell: CellObservation, all: Observation): string[] {
  if (!cell.held) return ['not reached: no step was stopped at this point']
  const blind = all.blind === undefined ? [] : [`blind: ${all.blind}`]
  return [...blind, ...invariants.flatMap((invariant) => invariant(cell, all))]
}
