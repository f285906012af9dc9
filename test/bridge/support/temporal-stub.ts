import type { Client } from '@temporalio/client'
import { defaultPayloadConverter } from '@temporalio/common'
import { temporalDoorbell } from '../../../k8s-bridge/temporal-doorbell.ts'
import type { WorkflowMemo } from '../../../workflows/messages.ts'

const DEADLINE_EXCEEDED = 4

/** An open workflow, as the stub lists it. */
export interface Listed {
  workflowId: string
  memo?: WorkflowMemo
}

/**
 * A doorbell of the cluster `ours` and a Temporal that lists `pages`, one a call. Its clock goes on only by `pageMs` for
 * each page, and a call that ends after its deadline fails as gRPC has it.
 */
export function doorbellOf(pages: Listed[][], { pageMs = 0, pageDeadline = 1_000, prefix = '' } = {}) {
  let now = Date.now()
  let deadline = Number.POSITIVE_INFINITY
  const client = {
    async withDeadline<T>(until: number, run: () => Promise<T>): Promise<T> {
      const outer = deadline
      // The caller's clock stands still, ours does not: what is given is a duration.
      deadline = now + Math.round(until - Date.now())
      try {
        return await run()
      } finally {
        deadline = outer
      }
    },
    workflowService: {
      listWorkflowExecutions({ nextPageToken = Buffer.from('0') }: { nextPageToken?: Uint8Array }) {
        now += pageMs
        if (now > deadline) return Promise.reject(deadlineExceeded())
        const index = Number(Buffer.from(nextPageToken).toString())
        return Promise.resolve({
          executions: (pages[index] ?? []).map(execution),
          nextPageToken: Buffer.from(index + 1 < pages.length ? String(index + 1) : ''),
        })
      },
    },
  } as unknown as Client
  return temporalDoorbell({
    client,
    codecs: [],
    namespace: 'certloom',
    cluster: 'ours',
    prefix,
    deadline: pageDeadline,
    pageDeadline,
  })
}

function execution({ workflowId, memo = { cluster: '' } }: Listed) {
  const fields = Object.entries(memo).map(([name, value]) => [name, defaultPayloadConverter.toPayload(value)])
  return { execution: { workflowId, runId: 'run' }, memo: { fields: Object.fromEntries(fields) as object } }
}

function deadlineExceeded(): Error {
  const facts = { code: DEADLINE_EXCEEDED, details: 'Deadline exceeded', metadata: {} }
  return Object.assign(new Error('4 DEADLINE_EXCEEDED: Deadline exceeded'), facts)
}
