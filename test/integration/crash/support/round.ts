import type { World } from '../../support/world.ts'
import type { Cell } from './cells.ts'
import { check } from './checker.ts'
import { killers, type Killer, type KillerName } from './killers.ts'
import { observe } from './observe.ts'
import { settled } from './settled.ts'
import { Stage } from './stage.ts'

export interface CellResult {
  killer: KillerName
  cell: Cell
  /** Empty: the cell is good. */
  troubles: string[]
}

/**
 * One killer, once, while every one of its cells stands at its point; then each cell is judged by itself. A round that
 * does not come to its end is the trouble of all its cells.
 */
export async function round(world: World, name: KillerName, cells: readonly Cell[]): Promise<CellResult[]> {
  const killer: Killer = killers[name]
  try {
    return await strike(world, name, killer, cells)
  } catch (error) {
    const { message } = error as Error
    return cells.map((cell) => ({ killer: name, cell, troubles: [`the round broke off: ${message}`] }))
  }
}

async function strike(
  world: World,
  name: KillerName,
  killer: Killer,
  cells: readonly Cell[],
): Promise<CellResult[]> {
  const stage = await Stage.open(world, name, cells)
  try {
    await stage.reach()
    await killer.strike(stage)
    await settled(stage)
    const seen = await observe(stage)
    return seen.cells.map((one) => ({ killer: name, cell: one.cell, troubles: check(one, seen) }))
  } finally {
    await stage.close()
  }
}
