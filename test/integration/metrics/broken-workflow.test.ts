import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { WorkflowHandle } from '@temporalio/client'
import { choosePorts } from '../../../tools/servers/ports.ts'
import { World, TEMPORAL_NAMESPACE } from '../support/world.ts'
import { Scrape } from './support/scrape.ts'

/** A queue and ids of their own: the broken code must meet nobody else's workflows. */
const PREFIX = `broken-${process.pid}-`
const program = fileURLToPath(new URL('support/worker-with.ts', import.meta.url))

let world: World
let workers = 0

before(async () => {
  world = await World.open()
})
after(() => world.close())

test('workflow code that throws is counted and told each time, and Temporal and the bridge name the workflow', async () => {
  const worker = await WorkerWith.start('throws')
  const handle = await start('web')
  await world.until('the failed task', 40, () => failures(worker.address, 'workflowCode'))

  const [line] = await failedTasks(worker)
  assert.equal(line?.level, 50)
  assert.deepEqual(
    [line.certificate, line.workflowId, line.runId, line.reason],
    ['shop/web', handle.workflowId, handle.firstExecutionRunId, 'workflowCode'],
  )
  assert.match(line.error ?? '', /the names of undefined cannot be read/)
  const scrape = await Scrape.of(worker.address)
  assert.ok(
    (scrape.value('temporal_workflow_task_execution_failed', { workflow_type: 'certificate' }) ?? 0) >= 1,
  )

  await world.until('the report of Temporal', 90, async () => {
    const { count } = await world.temporal.workflow.count(
      `TemporalReportedProblems IN ("category=WorkflowTaskFailed") AND WorkflowId="${handle.workflowId}"`,
    )
    return count === 1
  })
  const { metrics } = await choosePorts({ metrics: {} })
  const address = `127.0.0.1:${metrics}`
  const bridge = await world.startController('bridge', {
    CERTLOOM_WORKFLOW_PREFIX: PREFIX,
    CERTLOOM_METRICS_ADDRESS: address,
    CERTLOOM_AUDIT_INTERVAL_MS: '500',
  })
  await world.until('the metric of the bridge', 40, async () => {
    const scrape = await Scrape.of(address)
    return scrape.value('certloom_workflows_troubled', { cause: 'WorkflowWorkerUnhandledFailure' }) === 1
  })
  assert.match(
    await bridge.log(),
    new RegExp(`"level":50[^\\n]*"certificate":"shop/web"[^\\n]*fails again and again`),
  )
  await bridge.stop()
  await handle.terminate()
  await worker.stop()
})

test('code that does not fit the history is counted as such on its every try, also by a worker that did not see the first', async () => {
  const good = await WorkerWith.start('sleeps')
  const handle = await start('api')
  await world.until('the timer', 40, async () => {
    const { events } = await handle.fetchHistory()
    return events?.some(({ timerStartedEventAttributes }) => timerStartedEventAttributes != null)
  })
  await good.stop()
  await handle.signal('changed')
  for (const worker of [await WorkerWith.start('acts'), await WorkerWith.start('acts')]) {
    await world.until('the failed task', 60, () => failures(worker.address, 'nonDeterminism'))
    const [line] = await failedTasks(worker)
    assert.deepEqual([line?.level, line?.certificate, line?.workflowId], [50, 'shop/api', handle.workflowId])
    assert.match(line?.error ?? '', /Nondeterminism/i)
    await worker.stop()
  }
  assert.equal((await handle.describe()).status.name, 'RUNNING')
  await handle.terminate()
})

async function start(name: string): Promise<WorkflowHandle & { firstExecutionRunId: string }> {
  const cluster = await world.kubernetes.get<{ metadata: { uid: string } }>('/api/v1/namespaces/kube-system')
  return world.temporal.workflow.start('certificate', {
    workflowId: `${PREFIX}certificate/shop/${name}`,
    taskQueue: `${PREFIX}certloom`,
    args: [{}],
    memo: { cluster: cluster?.metadata.uid, target: { kind: 'Certificate', namespace: 'shop', name } },
  })
}

async function failures(address: string, reason: string): Promise<boolean> {
  const labels = { workflow_type: 'certificate', reason }
  return ((await Scrape.of(address)).value('certloom_workflow_task_failures_total', labels) ?? 0) >= 1
}

interface Line {
  level: number
  msg: string
  certificate?: string
  workflowId?: string
  runId?: string
  reason?: string
  error?: string
}

async function failedTasks(worker: WorkerWith): Promise<Line[]> {
  const lines = (await readFile(worker.log, 'utf8')).split('\n').filter((line) => line.startsWith('{'))
  return lines
    .map((line) => JSON.parse(line) as Line)
    .filter(({ msg }) => msg.startsWith('workflow task failed'))
}

/** A worker of certloom with other workflow code. */
class WorkerWith {
  readonly address: string
  readonly log: string
  readonly #child: ChildProcess

  private constructor(address: string, log: string, child: ChildProcess) {
    this.address = address
    this.log = log
    this.#child = child
  }

  static async start(code: string): Promise<WorkerWith> {
    const { metrics } = await choosePorts({ metrics: {} })
    const address = `127.0.0.1:${metrics}`
    const log = join(world.logs, `${code}-${workers++}.log`)
    const file = fileURLToPath(new URL(`support/workflows/${code}.ts`, import.meta.url))
    const child = spawn(process.execPath, [program, file], {
      env: {
        ...process.env,
        ...(await world.settings()),
        TEMPORAL_NAMESPACE,
        CERTLOOM_WORKFLOW_PREFIX: PREFIX,
        CERTLOOM_METRICS_ADDRESS: address,
      },
      stdio: ['ignore', 'inherit', 'pipe'],
    })
    child.stderr.pipe(createWriteStream(log))
    const worker = new WorkerWith(address, log, child)
    world.defer(() => worker.stop())
    // `until` looks again when a look throws: that the worker is gone is an answer, not a failed look.
    const found = await world.until(`the worker that ${code} polls`, 60, async () => {
      const ended = child.exitCode !== null || child.signalCode !== null
      const text = await readFile(log, 'utf8')
      return ended || text.includes('worker polls') ? { ended, text } : undefined
    })
    if (found.ended) throw new Error(`the worker that ${code} ended by itself:\n${found.text.slice(-2000)}`)
    return worker
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}
