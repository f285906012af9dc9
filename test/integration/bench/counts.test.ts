import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Arrivals } from '../../../tools/bench/arrivals.ts'
import { budgets } from '../../../tools/bench/budgets.ts'
import { Results } from '../../../tools/bench/results.ts'
import { countWrites } from '../../../tools/bench/scenarios/writes.ts'
import {
  acmeIssuer,
  caIssuer,
  fixturePlugin,
  installFixturePlugin,
  selfSignedIssuer,
} from '../../../tools/bench/site.ts'
import { AcmeProxy } from '../../../tools/observe/acme-proxy.ts'
import { World } from '../support/world.ts'

let world: World
const results = new Results()

before(async () => {
  world = await World.open()
  await world.startController('bridge')
  await world.startController('worker')
  const arrivals = await Arrivals.start(world.kubernetes)
  world.defer(() => arrivals.stop())
  const proxy = await AcmeProxy.start(world.servers)
  world.defer(() => proxy.close())
  const plugin = await installFixturePlugin(world, fixturePlugin)
  const unique = `counts-${process.pid}`
  const selfSigned = await selfSignedIssuer(world, `${unique}-self-signed`)
  const ca = await caIssuer(world, `${unique}-ca`, selfSigned)
  const acme = await acmeIssuer(world, `${unique}-acme`, { server: proxy.directoryUrl, plugin })
  await countWrites({ site: world, arrivals, selfSigned, ca, acme, proxy, samples: 1 }, results)
})

after(() => world.close())

const counted = Object.keys(budgets).filter((id) => /^(writes|acme|history)\./.test(id))

test('every count that has a budget was taken', () => {
  assert.ok(counted.length > 15)
  const taken = new Set(results.figures.map(({ id }) => id))
  assert.deepEqual(
    counted.filter((id) => !taken.has(id)),
    [],
  )
  // A reader that sees nothing would stay within every budget.
  const empty = results.figures.filter(({ id, value }) => counted.includes(id) && !(value >= 1))
  assert.deepEqual(
    empty.map(({ id }) => id),
    ['writes.refused'],
  )
})

test('an issuance stays within its budgets of API writes, ACME requests, Temporal events and payload bytes', () => {
  const missed = results
    .missed(true)
    .map(({ what, value, budget }) => `${what}: ${value} > ${budget?.limit ?? 0}`)
  const lists = results.lists.map(({ title, lines }) => `${title}: ${lines.join(', ')}`)
  assert.deepEqual(missed, [], lists.join('\n'))
})
