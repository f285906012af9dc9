import type { Client } from '@temporalio/client'
import { workflowTypes } from '../../workflows/messages.ts'
import { writeHistory, type History } from './histories.ts'

/** All runs of a workflow, the oldest first. */
export async function runsOf(client: Client, workflowId: string, runId?: string): Promise<History[]> {
  const history = await client.workflow.getHandle(workflowId, runId).fetchHistory()
  const before = history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId
  return before ? [...(await runsOf(client, workflowId, before)), history] : [history]
}

/** Keeps all runs of a workflow under a name; where there are several, they are numbered. */
export async function keep(release: string, name: string, runs: readonly History[]): Promise<string[]> {
  const names = runs.map((_run, index) => (runs.length === 1 ? name : `${name}-run-${index + 1}`))
  for (const [index, run] of runs.entries()) await writeHistory(release, names[index] ?? name, run)
  return names
}

/** Keeps every run of every workflow of ours that a server knows; `refused` hears of those that are not fit for it. */
export async function keepAll(
  client: Client,
  release: string,
  refused: (why: string) => void,
): Promise<string[]> {
  const types = Object.values(workflowTypes).map((type) => `"${type}"`)
  const kept: string[] = []
  for await (const { workflowId, runId } of client.workflow.list({
    query: `WorkflowType IN (${types.join(',')})`,
  })) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory()
    const name = `${workflowId.replace(/[^A-Za-z0-9.-]+/g, '-')}-${runId.slice(-8)}`
    try {
      kept.push(...(await keep(release, name, [history])))
    } catch (error) {
      refused(String(error))
    }
  }
  return kept
}
