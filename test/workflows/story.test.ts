import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { historiesOf, scenarios } from '../replay/scenarios.ts'
import { openWorld } from './support.ts'
import { storyOf } from './support/story.ts'

/** Names that are proven side by side take turns in another order each time: their lines are compared sorted. */
const unsettled = ['acme-side-by-side']

/** What differs from run to run. */
function plain(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replaceAll(/(shop)-[0-9a-f]{8}[-0-9a-f]*/g, '$1')
}

for (const scenario of scenarios) {
  test(`the story of ${scenario.name} can be read`, { timeout: 60_000 }, async () => {
    await using world = await openWorld(scenario.server)
    const told = await scenario.run(world)
    assert.deepEqual(Object.keys(told), historiesOf(scenario))
    for (const [name, runs] of Object.entries(told)) {
      const lines = plain(runs.map(({ events }) => storyOf(events ?? [])).join('\n')).split('\n')
      const story = unsettled.includes(name) ? lines.sort() : lines
      const expected = await readFile(new URL(`stories/${name}.txt`, import.meta.url), 'utf8')
      assert.equal(`${story.join('\n')}\n`, expected, `stories/${name}.txt`)
    }
  })
}
