import type { Client } from '@temporalio/client'
import type { temporal } from '@temporalio/proto'

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

/**
 * Waits until a workflow has nothing under way: no task, no running step. What it wrote is written then, also the
 * events, for a step ends after them.
 */
export async function untilQuiet(client: Client, workflowId: string, seconds = 60): Promise<void> {
  const handle = client.workflow.getHandle(workflowId)
  const end = Date.now() + seconds * 1000
  let last: unknown
  for (;;) {
    const { raw, historyLength } = await handle.describe()
    const idle = raw.pendingWorkflowTask == null && (raw.pendingActivities ?? []).length === 0
    // Twice the same: between a step and the next task there is a moment without either.
    if (idle && last === historyLength) return
    last = idle ? historyLength : undefined
    if (Date.now() > end) throw new Error(`${workflowId} is not quiet after ${seconds} s`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Every payload of a history, wherever it stands: inputs, results, headers, memo, search attributes, failures. */
function* payloadSizes(value: unknown): Generator<number> {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return
  const { data } = value as Payload
  if ('metadata' in value && data instanceof Uint8Array) yield data.length
  for (const part of Object.values(value)) yield* payloadSizes(part)
}
