import { DefaultLogger, Runtime, Worker } from '@temporalio/worker'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { workflowBundle } from '../../workers/bundle.ts'
import { workflowTypes } from '../../workflows/messages.ts'
import {
  MAX_BYTES,
  inputOf,
  parseHistory,
  recordedHistories,
  secretsIn,
  workflowTypeOf,
  type History,
} from './histories.ts'
import { historiesOf, scenarios } from './scenarios.ts'

// Histories that are refused on purpose are no news.
Runtime.install({
  logger: new DefaultLogger('ERROR', () => undefined),
  telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } },
})

const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }
const recorded = await recordedHistories()
const bundle = workflowBundle(silent)

/** What keeps today's workflows from going on with a history; undefined where nothing does. */
async function replay(
  histories: readonly { name: string; history: History }[],
): Promise<Map<string, Error | undefined>> {
  const results = Worker.runReplayHistories(
    { workflowBundle: await bundle },
    histories.map(({ name, history }) => ({ workflowId: name, history })),
  )
  const found = new Map<string, Error | undefined>()
  for await (const { workflowId, error } of results) found.set(workflowId, error)
  return found
}

test('every workflow type has recorded histories, of every release', () => {
  const releases = new Set(recorded.map(({ name }) => name.split('/')[0]))
  assert.ok(releases.size > 0)
  for (const release of releases) {
    const types = recorded
      .filter(({ name }) => name.startsWith(`${release}/`))
      .map(({ history }) => workflowTypeOf(history))
    assert.deepEqual([...new Set(types)].sort(), Object.values(workflowTypes).sort(), release)
  }
})

test('every scenario has its histories of the newest release, with every run', () => {
  const byAge = [...new Set(recorded.map(({ name }) => name.split('/')[0] ?? ''))].sort((a, b) =>
    a.localeCompare(b, undefined, { numeric: true }),
  )
  const found = new Map(recorded.map(({ name, history }) => [name, history]))
  const missing = scenarios.flatMap(historiesOf).filter((name) => {
    const path = `${byAge.at(-1)}/${name}`
    if (found.has(path)) return false
    let last: History | undefined
    for (let run = 1; found.has(`${path}-run-${run}`); run++) last = found.get(`${path}-run-${run}`)
    // A run that went on in a next one is not the last.
    return last === undefined || last.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes != null
  })
  assert.deepEqual(missing, [])
})

test('all recorded histories replay with the workflows as they are now', async () => {
  const results = await replay(recorded)
  assert.equal(results.size, recorded.length)
  const refused = [...results]
    .filter(([, error]) => error !== undefined)
    .map(([name, error]) => `${name}: ${String(error)}`)
  assert.deepEqual(refused, [])
})

test('a history of another workflow code is refused', async () => {
  const sample = recorded.find(({ name }) => name.endsWith('/acme-exclusive'))
  assert.ok(sample)
  const changes = {
    'another activity': ['"presentChallenge"', '"presentRecord"'],
    'another id': ['"order/web-1"', '"order/web-2"'],
  }
  for (const [what, [from = '', to = '']] of Object.entries(changes)) {
    const text = sample.text.replaceAll(from, to)
    assert.notEqual(text, sample.text, what)
    const error = (await replay([{ name: 'changed', history: parseHistory(text) }])).get('changed')
    assert.match(String(error), /[Dd]eterminism/, what)
  }
})

test('recorded histories are small and hold neither keys nor traces of a machine', () => {
  for (const { name, text, history } of recorded) {
    assert.deepEqual(secretsIn(text), [], name)
    assert.ok(text.length <= MAX_BYTES, `${name}: ${text.length} bytes`)
    assert.equal(inputOf(history).v, 1, name)
  }
})

test('key material and paths are found inside payloads too', () => {
  const history = (data: string) =>
    JSON.stringify({ events: [{ input: { data: Buffer.from(data).toString('base64') } }] })
  assert.deepEqual(secretsIn(history('"-----BEGIN EC PRIVATE KEY-----"')), ['key material'])
  assert.deepEqual(secretsIn(history('"see /home/me/certloom/x.ts"')), ['a path of a machine'])
  assert.deepEqual(secretsIn(history('"nothing of the kind"')), [])
})
