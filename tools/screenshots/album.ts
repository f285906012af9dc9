import type { Client } from '@temporalio/client'
import type { Picture } from './pictures.ts'
import { workflows } from './scenes.ts'

/** The columns that tell most about certificates; each person chooses them once in the UI. */
const columns = ['Status', 'Workflow ID', 'CertPhase', 'CertErrorType', 'CertIssuer', 'CertNextRenewal']

/** Wide enough for the last column to show its times whole. */
const LIST_WIDTH = 1520

/** The pictures of docs/operations.md and of the README. */
export async function pictures(temporal: Client): Promise<Picture[]> {
  const page = async (workflowId: string, tab: string) => {
    const { runId } = await temporal.workflow.getHandle(workflowId).describe()
    return `workflows/${encodeURIComponent(workflowId)}/${runId}/${tab}`
  }
  const list = (query: string) => `workflows?query=${encodeURIComponent(query)}`
  return [
    {
      name: 'list',
      path: list('WorkflowType="certificate" AND ExecutionStatus="Running"'),
      columns,
      shows: [...Object.values(workflows), 'PluginFailed'],
      height: 560,
      width: LIST_WIDTH,
    },
    {
      name: 'list-blocked',
      path: list('CertPhase="Blocked" AND ExecutionStatus="Running"'),
      columns,
      shows: [workflows.failing, 'PluginFailed'],
      height: 480,
      width: LIST_WIDTH,
    },
    {
      name: 'good-timeline',
      path: await page(workflows.good, 'timeline'),
      shows: ['finalizeAndPublish'],
      height: 1180,
    },
    {
      name: 'failing-timeline',
      path: await page(workflows.failing, 'timeline'),
      shows: ['presentChallenge'],
      height: 1180,
    },
    {
      name: 'waiting-timeline',
      path: await page(workflows.waiting, 'timeline'),
      shows: ['checkPropagation'],
      height: 1000,
    },
  ]
}
