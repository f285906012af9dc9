import { after, before } from 'node:test'
import { World } from '../../support/world.ts'
import { describeCell } from './cells.ts'
import type { CellResult } from './round.ts'

/** Servers and a bridge for the rounds of one test file; what a round has left stopped is started before the end. */
export function arena(): { readonly world: World } {
  let world: World | undefined
  before(async () => {
    world = await World.open()
    await world.startController('bridge')
  })
  after(async () => {
    if (world === undefined) return
    for (const name of ['temporal', 'kube-apiserver', 'pebble'] as const) {
      const server = world.servers.process(name)
      if ((await server.status()).stopped) await server.start()
    }
    await world.close()
  })
  return {
    get world() {
      if (world === undefined) throw new Error('the arena is open only while tests run')
      return world
    },
  }
}

/** What is wrong with the cells of a round, a line each. */
export function troublesOf(results: readonly CellResult[]): string[] {
  return results.flatMap(({ cell, troubles }) => troubles.map((one) => `${describeCell(cell)}: ${one}`))
}
