// The worker is killed again and again while certificates are issued. `npm run test:crash -- --siege` runs it.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { arena } from '../support/arena.ts'
import type { Cell } from '../support/cells.ts'
import { check } from '../support/checker.ts'
import { observe } from '../support/observe.ts'
import { settled } from '../support/settled.ts'
import { Stage } from '../support/stage.ts'

const CERTIFICATES = 200
const EVERY_MS = 10_000
const seconds = Number(process.env['CERTLOOM_SIEGE_SECONDS'] ?? 300)

const place = arena()

test(`the worker is killed every 10 s for ${seconds} s while ${CERTIFICATES} certificates issue: all Ready, none twice, nothing left`, async () => {
  const cells = Array.from({ length: CERTIFICATES }, (_, at): Cell => {
    const path = at % 2 === 0 ? 'ca' : 'acme'
    return { path, point: 'done', when: 'after', renewal: false, name: `${path}-${at}` }
  })
  const stage = await Stage.open(place.world, 'worker-kill', cells)
  try {
    const end = Date.now() + seconds * 1000
    const issuing = stage.issueOver(seconds * 900)
    // One Certificate that cannot be applied ends the siege.
    const refused = new Promise<never>((_resolve, reject) => void issuing.catch(reject))
    let kills = 0
    for (; Date.now() < end; kills++) {
      // The rhythm of the kills is what is asked for, not a wait for a fact.
      await Promise.race([delay(EVERY_MS), refused])
      stage.worker.kill()
      await stage.worker.ended()
      await stage.cleanWorker()
    }
    await issuing
    await settled(stage)
    const seen = await observe(stage)
    const troubles = seen.cells.flatMap((one) =>
      check(one, seen)
        // Which order met a kill between newOrder and its record is not known: they are counted together.
        .filter((trouble) => !trouble.startsWith('I7'))
        .map((trouble) => `${one.cell.name}: ${trouble}`),
    )
    const orders = seen.cells.reduce((sum, { orders }) => sum + orders, 0)
    const pending = seen.cells.reduce((sum, { pending }) => sum + pending, 0)
    const results = process.env['CERTLOOM_CRASH_RESULTS']
    const figures = `${kills} kills, ${CERTIFICATES} certificates, ${orders} orders, ${pending} left pending, ${troubles.length} troubles`
    if (results !== undefined) writeFileSync(results, figures)
    assert.deepEqual(troubles, [])
    assert.ok(orders <= CERTIFICATES / 2 + kills, `${orders} orders`)
    assert.ok(pending <= kills, `${pending} orders left pending`)
  } finally {
    await stage.close()
  }
})
