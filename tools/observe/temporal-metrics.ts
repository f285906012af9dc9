import { setTimeout as delay } from 'node:timers/promises'
import type { TemporalFacts } from '../servers/facts.ts'

/** What Temporal's frontend was asked to do in one namespace since the server started. */
export interface TemporalCounts {
  /** Signals, also those that start a workflow. */
  readonly signals: number
  /** Workflow tasks that workers have completed. */
  readonly workflowTasks: number
  /** Activities that workers have ended, however. */
  readonly activities: number
}

/** Longer than the server keeps counters to itself. */
const PUBLISHED_MS = 3_000

const OPERATIONS = {
  signals: ['SignalWorkflowExecution', 'SignalWithStartWorkflowExecution'],
  workflowTasks: ['RespondWorkflowTaskCompleted', 'RespondWorkflowTaskFailed'],
  activities: ['RespondActivityTaskCompleted', 'RespondActivityTaskFailed', 'RespondActivityTaskCanceled'],
} as const

/** Reads the server's own counters (`service_requests` of the frontend). @throws Error if it does not answer */
export async function temporalCounts(
  { metricsUrl }: TemporalFacts,
  namespace: string,
): Promise<TemporalCounts> {
  const response = await fetch(metricsUrl, { signal: AbortSignal.timeout(10_000) })
  if (!response.ok) throw new Error(`${metricsUrl} answers ${response.status}`)
  const requests = frontendRequests(await response.text(), namespace)
  const sum = (names: readonly string[]) =>
    names.reduce((total, name) => total + (requests.get(name) ?? 0), 0)
  return {
    signals: sum(OPERATIONS.signals),
    workflowTasks: sum(OPERATIONS.workflowTasks),
    activities: sum(OPERATIONS.activities),
  }
}

/** As `temporalCounts`, once they no longer change: the server publishes its counters now and then, not at once. */
export async function settledCounts(facts: TemporalFacts, namespace: string): Promise<TemporalCounts> {
  for (let last = await temporalCounts(facts, namespace); ;) {
    await delay(PUBLISHED_MS)
    const counts = await temporalCounts(facts, namespace)
    if (JSON.stringify(counts) === JSON.stringify(last)) return counts
    last = counts
  }
}

export function since(before: TemporalCounts, after: TemporalCounts): TemporalCounts {
  return {
    signals: after.signals - before.signals,
    workflowTasks: after.workflowTasks - before.workflowTasks,
    activities: after.activities - before.activities,
  }
}

/** Requests by operation. Temporal has workflows of its own, in other namespaces. */
function frontendRequests(text: string, namespace: string): Map<string, number> {
  const requests = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (!line.startsWith('service_requests{') || !line.includes('service_name="frontend"')) continue
    if (!line.includes(`namespace="${namespace}"`)) continue
    const operation = /[{,]operation="([^"]*)"/.exec(line)?.[1] ?? ''
    const value = Number(line.slice(line.lastIndexOf(' ') + 1))
    requests.set(operation, (requests.get(operation) ?? 0) + value)
  }
  return requests
}
