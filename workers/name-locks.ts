import { WithStartWorkflowOperation, WorkflowNotFoundError, type Client } from '@temporalio/client'
import type { NameLocks } from '../activities/deps.ts'
import { sha256Hex } from '../activities/hash.ts'
import {
  LOCK_TASK_QUEUE,
  acquireUpdate,
  dnsNameWorkflowId,
  releaseSignal,
  workflowTypes,
} from '../workflows/messages.ts'

/** How long a lock may take to answer, in milliseconds; then the step is tried again. */
const ANSWER_MS = 10_000

/**
 * How long what an ended run has begun may go on, in milliseconds: a step hears of the end with its next heartbeat, and
 * its plugin has five seconds until it is killed.
 */
const ENDING_MS = 15_000

/**
 * The locks of challenge names: workflows that live while somebody holds or waits. Clusters that share a namespace
 * share them too: a lock runs where it was asked for first, and looks at each holder on the queue of that one's cluster.
 */
export function nameLocks(client: Client, prefix: string): NameLocks {
  const taskQueue = prefix + LOCK_TASK_QUEUE
  return {
    acquire: (fqdn, message) =>
      client.withDeadline(Date.now() + ANSWER_MS, () =>
        client.workflow.executeUpdateWithStart(acquireUpdate, {
          args: [{ ...message, taskQueue }],
          startWorkflowOperation: new WithStartWorkflowOperation(workflowTypes.dnsName, {
            workflowId: dnsNameWorkflowId(fqdn, sha256Hex),
            taskQueue,
            workflowIdConflictPolicy: 'USE_EXISTING',
            args: [{ v: 1, fqdn, first: message.requestId }],
            staticSummary: `exclusive use of ${fqdn}`,
          }),
        }),
      ),
    async release(fqdn, requestId) {
      try {
        await client.workflow
          .getHandle(dnsNameWorkflowId(fqdn, sha256Hex))
          .signal(releaseSignal, { v: 1, requestId })
      } catch (error) {
        // A lock that has ended holds nothing.
        if (!(error instanceof WorkflowNotFoundError)) throw error
      }
    },
    async isOpen(workflowId, runId) {
      try {
        const { closeTime } = await client.workflow.getHandle(workflowId, runId).describe()
        return closeTime === undefined || closeTime.getTime() + ENDING_MS > Date.now()
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false
        throw error
      }
    },
  }
}
