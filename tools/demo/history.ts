import { Client, Connection, isGrpcServiceError } from '@temporalio/client'
import type { temporal } from '@temporalio/proto'
import { setTimeout as delay } from 'node:timers/promises'

export type HistoryEvent = temporal.api.history.v1.IHistoryEvent

const NOT_FOUND = 5
const DEADLINE_EXCEEDED = 4
const LOOK_AGAIN_MS = 30
const NEXT_RUN_MS = 500
/** The server ends a long poll without news after twenty seconds. */
const POLL_MS = 70_000

export interface Temporal {
  readonly client: Client
  readonly connection: Connection
}

export async function connectTemporal(address: string, namespace: string): Promise<Temporal> {
  // Without the usual retries: they cannot be interrupted, and a local server that does not answer is being stopped.
  const connection = await Connection.connect({ address, interceptors: [] })
  return { connection, client: new Client({ connection, namespace }) }
}

/**
 * The events of a workflow as they happen, across all its runs from the newest one on; waits for the first run, and
 * after the last for another. Ends when the signal aborts.
 */
export async function* followHistory(
  temporal: Temporal,
  workflowId: string,
  signal: AbortSignal,
): AsyncGenerator<HistoryEvent> {
  let runId: string | undefined
  while (!signal.aborted) {
    const next = await nextRun(temporal, workflowId, runId, signal)
    if (next === undefined) return
    runId = next
    yield* followRun(temporal, { workflowId, runId }, signal)
  }
}

async function nextRun(
  { client, connection }: Temporal,
  workflowId: string,
  previous: string | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  while (!signal.aborted) {
    try {
      const { runId } = await connection.withAbortSignal(signal, () =>
        client.workflow.getHandle(workflowId).describe(),
      )
      if (runId !== previous) return runId
    } catch (error) {
      if (signal.aborted) return undefined
      if (!isCode(error, NOT_FOUND)) throw error
    }
    // A next run that was begun by this one exists already; any other is somebody's decision, and can take days.
    await delay(previous === undefined ? LOOK_AGAIN_MS : NEXT_RUN_MS, undefined, { signal }).catch(
      () => undefined,
    )
  }
  return undefined
}

async function* followRun(
  { client, connection }: Temporal,
  execution: { workflowId: string; runId: string },
  signal: AbortSignal,
): AsyncGenerator<HistoryEvent> {
  let nextPageToken: Uint8Array | undefined
  do {
    const page = await poll(() =>
      connection.withAbortSignal(signal, () =>
        connection.withDeadline(Date.now() + POLL_MS, () =>
          client.workflowService.getWorkflowExecutionHistory({
            namespace: client.options.namespace,
            execution,
            waitNewEvent: true,
            ...(nextPageToken && { nextPageToken }),
          }),
        ),
      ),
    ).catch((error: unknown) => {
      if (signal.aborted) return undefined
      throw error
    })
    if (page === undefined) return
    yield* page.history?.events ?? []
    nextPageToken = page.nextPageToken
  } while (nextPageToken !== undefined && nextPageToken.length > 0)
}

async function poll<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!isCode(error, DEADLINE_EXCEEDED)) throw error
    }
  }
}

function isCode(error: unknown, code: number): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (isGrpcServiceError(cause) && Number(cause.code) === code) return true
    if (code === NOT_FOUND && cause.name === 'WorkflowNotFoundError') return true
  }
  return false
}
