import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { WorkflowNotFoundError } from '@temporalio/client'
import { apiPath } from '../../../../k8s-bridge/api/kinds.ts'
import { eventCounts as countsOfRun } from '../../../../tools/observe/history.ts'
import type { StatusAnswer } from '../../../../workflows/messages.ts'
import { TEMPORAL_NAMESPACE, type AnyObject, type World } from '../../support/world.ts'

export function certificateId(namespace: string, name: string): string {
  return `certificate/${namespace}/${name}`
}

/** The temporal program as an operator types it; returns what it prints. */
export function temporalCli(world: World, ...args: string[]): Promise<string> {
  return temporalCliIn(world, TEMPORAL_NAMESPACE, ...args)
}

/** The same in another namespace of Temporal. */
export async function temporalCliIn(world: World, namespace: string, ...args: string[]): Promise<string> {
  const { address, cliPath } = world.servers.temporal
  const where = ['--address', address, '--namespace', namespace, '--disable-config-file']
  const running = promisify(execFile)(cliPath, [...args, ...where], {
    timeout: 60_000,
    killSignal: 'SIGKILL',
    // Histories are long.
    maxBuffer: 50_000_000,
  })
  // A question would otherwise be waited for.
  running.child.stdin?.end()
  return (await running).stdout
}

export interface RunFacts {
  runId: string
  status: string
  historyLength: number
}

/** All runs under a workflow id that Temporal still knows, newest first. */
export async function runsOf(world: World, workflowId: string): Promise<RunFacts[]> {
  const runs: RunFacts[] = []
  for await (const run of world.temporal.workflow.list({ query: `WorkflowId="${workflowId}"` })) {
    runs.push({ runId: run.runId, status: run.status.name, historyLength: run.historyLength ?? 0 })
  }
  return runs
}

/** How often each type of event stands in the histories of all runs under an id, such as `WORKFLOW_EXECUTION_SIGNALED`. */
export async function eventCounts(world: World, workflowId: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const { runId } of await runsOf(world, workflowId))
    for (const [type, count] of await countsOfRun(world.temporal, workflowId, runId))
      counts.set(type, (counts.get(type) ?? 0) + count)
  return counts
}

/** How many waits of a workflow ended by themselves: one that stays the same shows that a signal ended the last. */
export async function timersFired(world: World, namespace: string, name: string): Promise<number> {
  return (await eventCounts(world, certificateId(namespace, name))).get('TIMER_FIRED') ?? 0
}

export function statusOf(world: World, namespace: string, name: string): Promise<StatusAnswer> {
  return world.temporal.workflow.getHandle(certificateId(namespace, name)).query<StatusAnswer>('status')
}

/** Waits until a certificate's workflow is in one of its phases. */
export function untilPhase(
  world: World,
  namespace: string,
  name: string,
  phase: StatusAnswer['phase'],
  seconds = 30,
): Promise<StatusAnswer> {
  let last = ''
  return world
    .until(`${name} is ${phase}`, seconds, async () => {
      const status = await statusOf(world, namespace, name).catch((error: unknown) => {
        if (error instanceof WorkflowNotFoundError) return undefined
        throw error
      })
      last = JSON.stringify(status)
      return status?.phase === phase && status
    })
    .catch((error: unknown) => {
      throw new Error(`${(error as Error).message}; last: ${last}`, { cause: error })
    })
}

export function selfSignedIssuer(world: World, namespace: string, name = 'self'): Promise<unknown> {
  return world
    .apply('Issuer', { metadata: { namespace, name }, spec: { selfSigned: {} } })
    .then(() => issuerReady(world, namespace, name))
}

export function issuerReady(world: World, namespace: string, name: string): Promise<unknown> {
  return world.untilObject<AnyObject>('Issuer', namespace, name, 'Ready', (one) =>
    (one.status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True'),
  )
}

/** As an approver does who is not certloom. */
export async function approve(world: World, namespace: string, request: string): Promise<void> {
  await judge(world, namespace, request, { type: 'Approved', reason: 'Reviewed', message: 'looks right' })
}

export async function deny(world: World, namespace: string, request: string): Promise<void> {
  await judge(world, namespace, request, { type: 'Denied', reason: 'Reviewed', message: 'not this name' })
}

async function judge(
  world: World,
  namespace: string,
  request: string,
  verdict: { type: 'Approved' | 'Denied'; reason: string; message: string },
): Promise<void> {
  const found = await world.untilObject<AnyObject>(
    'CertificateRequest',
    namespace,
    request,
    'there',
    () => true,
  )
  const condition = {
    ...verdict,
    status: 'True',
    lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
  }
  await world.kubernetes.patch(apiPath('CertificateRequest', namespace, request, 'status'), [
    { op: 'test', path: '/metadata/uid', value: found.metadata.uid },
    {
      op: 'add',
      path: '/status',
      value: { ...found.status, conditions: [...(found.status?.conditions ?? []), condition] },
    },
  ])
}

/** Names of Secrets with a next key. */
export async function temporarySecrets(world: World, namespace: string): Promise<string[]> {
  const query = { labelSelector: 'cert-manager.io/next-private-key=true' }
  const { items } = await world.kubernetes.list<AnyObject>(apiPath('Secret', namespace), query)
  return items.map(({ metadata }) => metadata.name)
}

let sentinels = 0

/**
 * Proves that nothing more will come of what happened until now. A sentinel Certificate is issued, its Secret deleted
 * and the Certificate issued again: the bridge has then seen everything before on its streams and worked it off. And
 * the workflow is in `phase` with nothing pending. Needs the Issuer `self` in the namespace.
 *
 * @param options.byHand nobody approves requests but the test
 */
export async function quiet(
  world: World,
  namespace: string,
  name: string,
  options: { phase?: StatusAnswer['phase']; byHand?: boolean } = {},
): Promise<void> {
  const { phase = 'Waiting', byHand = false } = options
  await workedOff(world, namespace, byHand)
  await world.until(`${name} is ${phase} and nothing is pending`, 20, async () => {
    const { raw } = await world.temporal.workflow.getHandle(certificateId(namespace, name)).describe()
    if (raw.pendingWorkflowTask != null || (raw.pendingActivities ?? []).length > 0) return false
    return (await statusOf(world, namespace, name)).phase === phase
  })
}

/** The part of `quiet` about the bridge: when it returns, everything that happened before was seen and worked off. */
export async function workedOff(world: World, namespace: string, byHand = false): Promise<void> {
  const sentinel = `sentinel-${++sentinels}`
  const issued = async (revision: number) => {
    if (byHand) await approve(world, namespace, `${sentinel}-${revision}`)
    await world.ready(namespace, sentinel, { revision })
  }
  await world.certificate(namespace, sentinel, { dnsNames: ['sentinel.test'], issuerRef: { name: 'self' } })
  await issued(1)
  await world.remove('Secret', namespace, `${sentinel}-tls`)
  await issued(2)
  await world.remove('Certificate', namespace, sentinel)
}
