import type { Client, WorkflowHandle } from '@temporalio/client'
import proto from '@temporalio/proto'
import { TestWorkflowEnvironment } from '@temporalio/testing'
import { DefaultLogger, Runtime, Worker, type WorkerOptions } from '@temporalio/worker'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { findProgram } from '../../../tools/servers/find-program.ts'
import type { ProgramName } from '../../../tools/servers/programs.ts'
import { Supervisor } from '../../../tools/servers/supervisor.ts'
import { workflowBundle } from '../../../workers/bundle.ts'
import { searchAttributes } from '../../../workflows/search-attributes.ts'
import type { Activities } from './fakes.ts'

export const QUEUE = 'certloom'
export const CLUSTER = 'cluster-under-test'

let bundle: Promise<{ code: string }> | undefined
const paths = new Map<ProgramName, Promise<string>>()

let worlds = 0

function enterRuntime(): void {
  worlds += 1
  if (worlds > 1) return
  // Failures of steps are what most tests are about: only what the SDK itself cannot do is worth a line.
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => undefined),
    telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } },
  })
}

async function leaveRuntime(): Promise<void> {
  worlds -= 1
  if (worlds === 0) await Runtime.instance().shutdown()
}

const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

/** Temporal's test server, which skips time while nothing runs, with one worker whose activities a test replaces. */
export interface World extends AsyncDisposable {
  readonly client: Client
  readonly namespace: string
  readonly address: string
  /** Milliseconds since the epoch by the server's clock. */
  readonly now: () => Promise<number>
  /** Lets time pass: every timer until then fires in its turn. */
  skip(ms: number): Promise<void>
  /** Replaces the activities of the worker. */
  use(activities: object): void
  /** Another worker, for the steps of another queue only. */
  serve(taskQueue: string, activities: Partial<Activities>): Promise<AsyncDisposable>
  /** Starts another worker process's share of the work: the one before is stopped first. */
  restartWorker(): Promise<void>
}

/** Ends a test that waits for an answer which never comes, in milliseconds; most take less than a second. */
const TIMEOUT_MS = 60_000

type Run = (world: World) => Promise<void>

/**
 * Declares the tests of one file. `test` shares one server among them; `test.skipping` has a server of its own, whose
 * time can be skipped: that stops working for good where a step was under way when its workflow ended.
 */
export function inWorld(kind: ServerKind = 'skipping') {
  let shared: Promise<World> | undefined
  after(async () => (await shared)?.[Symbol.asyncDispose]())
  const declare = (name: string, run: Run): void => {
    void test(name, { timeout: TIMEOUT_MS }, async () => {
      shared ??= openWorld(kind)
      const world = await shared
      await run({ ...world, skip: () => Promise.reject(new Error('declare this test with test.skipping')) })
    })
  }
  const skipping = (name: string, run: Run): void => {
    void test(name, { timeout: TIMEOUT_MS }, async () => {
      await using world = await openWorld('skipping')
      await run(world)
    })
  }
  return Object.assign(declare, { skipping })
}

/** `development` is the server of the Temporal CLI: it can do everything, but its time passes by itself only. */
export type ServerKind = 'skipping' | 'development'

export async function openWorld(kind: ServerKind = 'skipping'): Promise<World> {
  enterRuntime()
  bundle ??= workflowBundle(silent)
  const env = await environment(kind)
  const namespace = env.namespace ?? 'default'
  await registerSearchAttributes(env.client, namespace)

  let current: Record<string, (input: unknown) => Promise<unknown>> = {}
  const options: WorkerOptions = {
    connection: env.nativeConnection,
    namespace,
    taskQueue: QUEUE,
    workflowBundle: await bundle,
    activities: delegates(() => current),
    maxHeartbeatThrottleInterval: 20,
    shutdownGraceTime: 100,
  }
  let worker = await running(options)
  return {
    client: env.client,
    namespace,
    address: env.address,
    now: () => env.currentTimeMs(),
    skip: (ms) => env.sleep(ms),
    use(activities) {
      current = activities as typeof current
    },
    async serve(taskQueue, activities) {
      const { connection } = options
      const other = await running({ connection, namespace, taskQueue, activities })
      return { [Symbol.asyncDispose]: () => other.stop() }
    },
    async restartWorker() {
      await worker.stop()
      worker = await running(options)
    },
    async [Symbol.asyncDispose]() {
      await worker.stop()
      await env.teardown()
      await leaveRuntime()
    },
  }
}

async function environment(kind: ServerKind): Promise<TestWorkflowEnvironment> {
  const program = kind === 'skipping' ? 'temporal-test-server' : 'temporal'
  const found = paths.get(program) ?? pathOf(program)
  paths.set(program, found)
  const path = await found
  const executable = { type: 'existing-path' as const, path }
  if (kind === 'skipping') return TestWorkflowEnvironment.createTimeSkipping({ server: { executable } })
  // Timers and continue-as-new below a second, as on our own servers.
  const settings = ['history.timerProcessorMaxTimeShift="0s"', 'history.workflowIdReuseMinimalInterval="0s"']
  const extraArgs = [
    '--headless',
    '--disable-config-file',
    ...settings.flatMap((one) => ['--dynamic-config-value', one]),
  ]
  return TestWorkflowEnvironment.createLocal({
    server: { executable, extraArgs, log: { format: 'json', level: 'never' } },
  })
}

async function pathOf(program: ProgramName): Promise<string> {
  const supervisor = new Supervisor()
  try {
    return (await findProgram(program, { supervisor })).path
  } finally {
    await supervisor.close()
  }
}

async function running(options: WorkerOptions) {
  const worker = await Worker.create(options)
  const run = worker.run()
  return {
    async stop() {
      worker.shutdown()
      await run
    },
  }
}

/** A worker knows its activities by name when it starts; what they do is looked up at each call. */
function delegates(current: () => Record<string, (input: unknown) => Promise<unknown>>) {
  const names = [
    ...['look', 'prepare', 'createOrder', 'presentChallenge', 'checkPropagation', 'answerChallenge'],
    ...['cleanUpChallenge', 'finalizeAndPublish', 'publish', 'failAttempt', 'discardAttempt', 'abandonOrder'],
    ...[
      'reportBlocked',
      'updateStatus',
      'verifyIssuer',
      'giveUpCleanUp',
      'findClaims',
      'inspectHolder',
      'holdName',
    ],
  ]
  return Object.fromEntries(
    names.map((name) => [
      name,
      (input: unknown) => {
        const activity = current()[name]
        if (activity === undefined) throw new Error(`this test has no activity ${name}`)
        return activity(input)
      },
    ]),
  )
}

export async function registerSearchAttributes(client: Client, namespace: string): Promise<void> {
  const types = proto.temporal.api.enums.v1.IndexedValueType
  const attributes = Object.values(searchAttributes).map(({ name, type }) => [
    name,
    types[`INDEXED_VALUE_TYPE_${type}` as keyof typeof types],
  ])
  await client.connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(attributes) as Record<string, number>,
  })
}

/** Ends what a test left running, so that its timers do not call the activities of the next one. */
export async function end(world: World, handle: WorkflowHandle): Promise<void> {
  await handle.terminate('the test is over').catch(() => undefined)
  world.use({})
}

export function uniqueName(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 8)}`
}
