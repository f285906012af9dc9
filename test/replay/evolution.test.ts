import { DefaultLogger, Runtime, Worker, bundleWorkflowCode } from '@temporalio/worker'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { workflowTypes } from '../../workflows/messages.ts'
import { recordedHistories, workflowTypeOf } from './histories.ts'

// The worked example of docs/develop.md, run on the histories that are kept.
Runtime.install({
  logger: new DefaultLogger('ERROR', () => undefined),
  telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } },
})

const silent = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} }
const certificates = (await recordedHistories()).filter(
  ({ history }) => workflowTypeOf(history) === workflowTypes.certificate,
)

/** Which of the kept histories the changed workflows cannot go on with. */
async function refused(change: 'careless' | 'careful'): Promise<string[]> {
  const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: file(`evolution/${change}.ts`),
    payloadConverterPath: file('../../workflows/payload-converter.ts'),
    failureConverterPath: file('../../workflows/failure-converter.ts'),
    logger: silent,
  })
  const results = Worker.runReplayHistories(
    { workflowBundle },
    certificates.map(({ name, history }) => ({ workflowId: name, history })),
  )
  const names: string[] = []
  for await (const { workflowId, error } of results) if (error !== undefined) names.push(workflowId)
  return names.sort()
}

test('a step that is added without patched breaks every run that is open', async () => {
  assert.deepEqual(await refused('careless'), certificates.map(({ name }) => name).sort())
})

test('the same step behind patched breaks none', async () => {
  assert.ok(certificates.length > 0)
  assert.deepEqual(await refused('careful'), [])
})
