import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StandstillWatch } from '../../workers/temporal/stale-tasks.ts'

test('a process that ticks in time never stood still', () => {
  let now = 0
  const watch = new StandstillWatch(() => now)
  for (let second = 0; second < 60; second++) {
    now += 1_100
    watch.tick()
    assert.equal(watch.wasStill, false)
  }
})

test('after a standstill what is begun is doubtful for ten seconds, whether the tick or the task comes first', () => {
  for (const ticksFirst of [true, false]) {
    let now = 0
    const watch = new StandstillWatch(() => now)
    now += 8_000
    if (ticksFirst) watch.tick()
    assert.equal(watch.wasStill, true)
    now += 1_000
    assert.equal(watch.wasStill, true)
    for (let second = 0; second < 10; second++) {
      now += 1_000
      watch.tick()
    }
    assert.equal(watch.wasStill, false)
  }
})
