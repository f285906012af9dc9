import type { Client } from '@temporalio/client'
import proto, { type temporal } from '@temporalio/proto'
import { inPool } from '../check/pool.ts'

const { EventType } = proto.temporal.api.enums.v1
const AT_A_TIME = 20

type Payload = temporal.api.common.v1.IPayload

/** What one run has cost Temporal. */
export interface RunCost {
  readonly events: number
  /** Bytes of the whole history, as Temporal counts it. */
  readonly bytes: number
  /** Bytes of the largest payload in it. */
  readonly largestPayload: number
}

/** The newest run of a workflow. @throws WorkflowNotFoundError */
export async function runCost(client: Client, workflowId: string): Promise<RunCost> {
  const handle = client.workflow.getHandle(workflowId)
  const { runId, historyLength, historySize = 0 } = await handle.describe()
  const history = await client.workflow.getHandle(workflowId, runId).fetchHistory()
  const largestPayload = Math.max(0, ...payloadSizes(history))
  return { events: historyLength, bytes: historySize, largestPayload }
}

/** How often each type of event stands in a run, or in the newest one, such as `WORKFLOW_EXECUTION_SIGNALED`. */
export async function eventCounts(
  client: Client,
  workflowId: string,
  runId?: string,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory()
  for (const { eventType } of events ?? []) {
    const type = (EventType[eventType ?? 0] ?? '').replace('EVENT_TYPE_', '')
    counts.set(type, (counts.get(type) ?? 0) + 1)
  }
  return counts
}

/**
 * Whether a workflow has nothing under way: no task, no running step. What it wrote is written then, also the events,
 * for a step ends after them. @throws WorkflowNotFoundError
 */
export async function isQuiet(client: Client, workflowId: string): Promise<boolean> {
  const { raw } = await client.workflow.getHandle(workflowId).describe()
  return raw.pendingWorkflowTask == null && (raw.pendingActivities ?? []).length === 0
}

/** Waits until a workflow has nothing under way. */
export async function untilQuiet(client: Client, workflowId: string, seconds = 60): Promise<void> {
  for (const end = Date.now() + seconds * 1000; ;) {
    if (await isQuiet(client, workflowId)) return
    if (Date.now() > end) throw new Error(`${workflowId} is not quiet after ${seconds} s`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/**
 * Run and length of all open workflows whose ids begin so, by id, once none of them has anything under way. A signal, a
 * task or a new run would change it.
 */
export async function quietHistories(client: Client, prefix = ''): Promise<ReadonlyMap<string, string>> {
  const ids: string[] = []
  for await (const { workflowId } of client.workflow.list({ query: 'ExecutionStatus="Running"' }))
    if (workflowId.startsWith(prefix)) ids.push(workflowId)
  const lengths = await inPool(ids, AT_A_TIME, async (id) => {
    await untilQuiet(client, id)
    const { runId, historyLength } = await client.workflow.getHandle(id).describe()
    return [id, `${runId} ${historyLength}`] as const
  })
  return new Map(lengths)
}

/** Every payload of a history, wherever it stands: inputs, results, headers, memo, search attributes, failures. */
export function* payloadSizes(value: unknown): Generator<number> {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return
  const { data } = value as Payload
  if ('metadata' in value && data instanceof Uint8Array) yield data.length
  for (const part of Object.values(value)) yield* payloadSizes(part)
}
