import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Context } from '@temporalio/activity'
import { Client } from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import proto from '@temporalio/proto'
import { NativeConnection, Worker } from '@temporalio/worker'
import pino from 'pino'
import { atBoundary } from '../../../activities/boundary.ts'
import { knownSecrets } from '../../../activities/secrets/known-secrets.ts'
import { workflowBundle } from '../../../workers/bundle.ts'
import { readConfiguration } from '../../../workers/configuration.ts'
import { createLogger } from '../../../workers/log.ts'
import { temporalConverters } from '../../../workers/temporal/data-converter.ts'
import type { IssuerInput } from '../../../workflows/messages.ts'
import { TEMPORAL_NAMESPACE, World } from '../support/world.ts'
import { Marks } from './support/marks.ts'

const types = proto.temporal.api.enums.v1.EventType
const completed = Number(types.EVENT_TYPE_ACTIVITY_TASK_COMPLETED)
const failed = Number(types.EVENT_TYPE_ACTIVITY_TASK_FAILED)
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const key = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey
const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString()
const token = `tok-${randomBytes(24).toString('base64url')}`
const marks = new Marks()
marks.addKey('a key', key)
marks.add('a token', token)

let world: World
let connection: NativeConnection
let bundle: { code: string }
const guarded = temporalConverters(readConfiguration({}), silent)

before(async () => {
  // Known by value, as if an activity had read it; the key is found by its form alone.
  knownSecrets.add(token)
  world = await World.open()
  connection = await NativeConnection.connect({ address: world.servers.temporal.address })
  bundle = await workflowBundle(silent)
})

after(async () => {
  await connection.close()
  await world.close()
})

/** Every way in which a step could hand a secret to Temporal. */
const leaks: Record<string, () => Promise<unknown>> = {
  'a key in a result': () => atBoundary(async () => ({ exists: true, ready: false, finding: pem })),
  'a token in a result': () =>
    atBoundary(async () => ({
      exists: true,
      ready: false,
      finding: `hex ${Buffer.from(token).toString('hex')}`,
    })),
  'a key in the message of an error': () => Promise.reject(new Error(`cannot use ${pem}`)),
  'a token in details and cause of a failure': () =>
    Promise.reject(
      ApplicationFailure.create({
        message: 'no',
        type: 'Internal',
        nonRetryable: true,
        details: [{ code: 'Internal', message: token }],
        cause: new Error(token),
      }),
    ),
  'a token in a heartbeat': async () => {
    const context = Context.current()
    context.heartbeat({ token })
    await context.cancelled
  },
}

for (const [what, leak] of Object.entries(leaks)) {
  test(`${what} does not reach Temporal; without the guard it does, and the scan finds it`, async () => {
    const [clean, dirty] = [await shown(leak, true), await shown(leak, false)]
    assert.deepEqual(marks.search(what, clean), [])
    assert.notDeepEqual(marks.search(what, dirty), [], 'the scan is blind here')
    // Paths of this machine, which a stack trace carries.
    assert.ok(!clean.includes('guard.test.ts'))
    assert.ok(
      /result/.test(what) ? clean.includes('SecretRefused') : clean.includes('[secret]'),
      clean.toString('latin1'),
    )
  })
}

test('a client that would send a secret is refused before anything is sent: argument, memo, signal', async () => {
  const client = new Client({ connection, namespace: TEMPORAL_NAMESPACE, dataConverter: guarded.client })
  const workflowId = `guard-${randomUUID()}`
  const taskQueue = workflowId
  const refused = (error: unknown) =>
    /SecretRefused|Refused to hand/.test(String((error as Error).cause ?? error))
  await assert.rejects(client.workflow.start('nobody', { workflowId, taskQueue, args: [{ token }] }), refused)
  await assert.rejects(client.workflow.start('nobody', { workflowId, taskQueue, memo: { pem } }), refused)
  const handle = await client.workflow.start('nobody', { workflowId, taskQueue })
  await assert.rejects(handle.signal('renew', { reason: pem }), refused)
  await handle.terminate('the test is over')
  assert.deepEqual(marks.search('history', await historyOf(workflowId)), [])
})

test('a key that a person sends by signal is not repeated by the workflow, which goes on', async () => {
  await using run = await running(async () => ({ exists: true, ready: true, finding: 'verified' }), true)
  const handle = world.temporal.workflow.getHandle(run.workflowId)
  const steps = async () => (await eventTypes(run.workflowId)).filter((one) => one === completed).length
  await world.until('the issuer is verified', 30, async () => (await steps()) === 1)
  await handle.signal('changed', { v: 1, cause: pem })
  await world.until('the signal is worked off', 30, async () => (await steps()) === 2)
  const history = await handle.fetchHistory()
  const ours = (history.events ?? []).filter(
    ({ workflowExecutionSignaledEventAttributes: signal }) => signal == null,
  )
  const bytes = Buffer.from(proto.temporal.api.history.v1.History.encode({ events: ours }).finish())
  assert.deepEqual(marks.search('history', bytes), [])
})

test('an answer to a query holds no secret either', async () => {
  await using run = await running(async () => ({ exists: true, ready: true, finding: 'verified' }), true)
  const answer = await world.temporal.workflow
    .getHandle(run.workflowId)
    .query<unknown>('__temporal_workflow_metadata')
  assert.deepEqual(marks.search('query', Buffer.from(JSON.stringify(answer))), [])
})

test('the log cuts keys and tokens out of every field; without that the scan finds them', async () => {
  const leak = {
    error: `Error: cannot use ${pem}`,
    facts: { header: `Bearer ${token}`, base64: Buffer.from(`x${token}`).toString('base64') },
  }
  const [clean, dirty] = [join(world.folder, 'guard-clean.log'), join(world.folder, 'guard-dirty.log')]
  createLogger('info', 'test', pino.destination({ dest: clean, sync: true })).error(leak, `with ${token}`)
  pino({}, pino.destination({ dest: dirty, sync: true })).error(leak, `with ${token}`)
  const line = await readFile(clean)
  assert.deepEqual(marks.search('log', line), [])
  assert.equal((JSON.parse(line.toString()) as { msg: string }).msg, 'with [secret]')
  assert.ok(marks.search('log', await readFile(dirty)).length > 0)
})

/** History and description of an issuer's run whose one step leaks, as soon as the leak has got where it gets. */
async function shown(leak: () => Promise<unknown>, withGuard: boolean): Promise<Buffer> {
  await using run = await running(leak, withGuard)
  return await world.until('the step has said something', 30, async () => {
    const { raw } = await world.temporal.workflow.getHandle(run.workflowId).describe()
    const [pending] = raw.pendingActivities ?? []
    const seen = await eventTypes(run.workflowId)
    const spoke =
      pending?.lastFailure != null ||
      pending?.heartbeatDetails != null ||
      seen.some((one) => one === completed || one === failed)
    if (!spoke) return undefined
    const described =
      proto.temporal.api.workflowservice.v1.DescribeWorkflowExecutionResponse.encode(raw).finish()
    return Buffer.concat([await historyOf(run.workflowId), described])
  })
}

async function historyOf(workflowId: string): Promise<Buffer> {
  const history = await world.temporal.workflow.getHandle(workflowId).fetchHistory()
  return Buffer.from(proto.temporal.api.history.v1.History.encode(history).finish())
}

async function eventTypes(workflowId: string): Promise<number[]> {
  const { events } = await world.temporal.workflow.getHandle(workflowId).fetchHistory()
  return (events ?? []).map(({ eventType }) => eventType ?? 0)
}

/** The issuer's workflow with a step of the test's own, on a worker that is wired as ours is, or without the guard. */
async function running(verifyIssuer: () => Promise<unknown>, withGuard: boolean) {
  const taskQueue = `guard-${randomUUID()}`
  const worker = await Worker.create({
    connection,
    namespace: TEMPORAL_NAMESPACE,
    taskQueue,
    workflowBundle: bundle,
    activities: { verifyIssuer },
    dataConverter: withGuard ? guarded.worker : undefined,
    maxHeartbeatThrottleInterval: 50,
    shutdownGraceTime: 100,
  })
  const done = worker.run()
  // Of another cluster, as far as any bridge is concerned.
  const input: IssuerInput = { v: 1, cluster: 'none', kind: 'Issuer', namespace: 'none', name: taskQueue }
  const handle = await world.temporal.workflow.start('issuer', {
    workflowId: taskQueue,
    taskQueue,
    args: [input],
  })
  return {
    workflowId: taskQueue,
    async [Symbol.asyncDispose]() {
      await handle.terminate('the test is over')
      worker.shutdown()
      await done
    },
  }
}
