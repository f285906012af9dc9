import { setTimeout as delay } from 'node:timers/promises'
import { AuditLog, isWrite } from '../../observe/audit-log.ts'
import { eventCounts, quietHistories, untilQuiet } from '../../observe/history.ts'
import { settledCounts, since } from '../../observe/temporal-metrics.ts'
import { issue } from '../certificates.ts'
import type { Results } from '../results.ts'
import { TEMPORAL_NAMESPACE, type Inspected, type Rig } from '../rig.ts'
import { newNamespace } from '../site.ts'

/** The Lease of a bridge that was killed runs out after 15 s; only then the new one compares all objects. */
const LEASE_LIMIT_MS = 60_000
const SENTINEL = 'one'

interface Ending {
  readonly id: 'restart' | 'killed'
  readonly what: string
  end(rig: Rig): Promise<void>
}

const endings: readonly Ending[] = [
  { id: 'restart', what: 'bridge and worker stopped in order', end: (rig) => rig.stop() },
  { id: 'killed', what: 'bridge and worker killed by -9', end: (rig) => rig.kill() },
]

/** Bridge and worker end and are started again while every certificate is issued: nothing may come of it. */
export async function measureRestart(rig: Rig, certificates: number, results: Results): Promise<void> {
  for (const ending of endings) await measure(rig, ending, certificates, results)
}

async function measure(rig: Rig, ending: Ending, certificates: number, results: Results): Promise<void> {
  const { servers, temporal } = rig.site
  // Ready is said within the last step: the workflow has yet to hear of it.
  const histories = await quietHistories(temporal)
  await ending.end(rig)
  const audit = await AuditLog.start(servers)
  const before = await settledCounts(servers.temporal, TEMPORAL_NAMESPACE)
  const began = performance.now()
  const { bridge } = await rig.start()
  const serves = (performance.now() - began) / 1000
  await compared(bridge)
  const seconds = (performance.now() - began) / 1000
  const sentinel = await issueSentinel(rig)
  const counted = since(before, await settledCounts(servers.temporal, TEMPORAL_NAMESPACE))
  const signals = counted.signals - sentinel.signals
  const workflowTasks = counted.workflowTasks - sentinel.workflowTasks
  const requests = await audit.requests()
  const written = requests.filter(isWrite)
  const writes = written.filter(
    ({ resource, namespace }) => resource !== 'leases' && namespace !== sentinel.namespace,
  )
  if (signals < 0 || workflowTasks < 0 || !written.some(({ namespace }) => namespace === sentinel.namespace))
    throw new Error(
      `what certificate/${sentinel.namespace}/${SENTINEL} took is not counted: the counts prove nothing`,
    )
  const add = (id: string, what: string, value: number, unit = '', beside?: string) =>
    results.add({
      scenario: `${ending.what}, ${certificates} certificates`,
      id: `${ending.id}.${id}`,
      ...{ what, value, unit, beside },
    })
  add(
    'seconds',
    'from the start of both until they serve, hold the Lease and have compared all objects',
    seconds,
    's',
    `both serve after ${serves.toFixed(1)} s`,
  )
  add('signals', 'signals', signals)
  add('tasks', 'workflow tasks', workflowTasks)
  add('writes', 'API writes but the Lease', writes.length, '', `${requests.length} requests in all`)
  if (signals + workflowTasks > 0) {
    const after = await quietHistories(temporal)
    const changed = [...after].filter(
      ([id, length]) => !id.startsWith(`certificate/${sentinel.namespace}/`) && histories.get(id) !== length,
    )
    results.list(
      'Workflows that went on',
      changed.slice(0, 20).map(([id]) => id),
    )
  }
  if (writes.length > 0)
    results.list(
      'API writes after the restart',
      writes
        .slice(0, 20)
        .map(({ verb, resource, namespace, name }) => `${verb} ${resource} ${namespace}/${name}`),
    )
}

/** Waits until the bridge holds the Lease and has compared all objects with the open workflows. */
async function compared(bridge: Inspected): Promise<void> {
  const end = Date.now() + LEASE_LIMIT_MS
  const until = async (what: string, look: () => Promise<boolean>) => {
    for (; !(await look()); await delay(50))
      if (Date.now() > end) throw new Error(`the bridge has not ${what}; its log is ${bridge.logPath}`)
  }
  await until('taken the Lease', async () => (await bridge.tail()).includes('"Lease taken"'))
  // Who does not hold the Lease passes this check without a comparison.
  await until('compared all objects', async () => (await bridge.readiness()).includes('[+]comparison ok'))
}

/**
 * Issues a certificate behind what the comparison has queued: when it is there, that was worked off. Returns where it
 * is, and what its workflow has had.
 */
async function issueSentinel({ site, arrivals, ca: [issuer] }: Rig) {
  if (issuer === undefined) throw new Error('there is no CA issuer')
  const namespace = await newNamespace(site, 'restart-sentinel')
  await issue(site, arrivals, { namespace, name: SENTINEL, dnsNames: [`${namespace}.example.com`], issuer })
  const id = `certificate/${namespace}/${SENTINEL}`
  await untilQuiet(site.temporal, id)
  const events = await eventCounts(site.temporal, id)
  const of = (type: string) => events.get(type) ?? 0
  return {
    namespace,
    signals: of('WORKFLOW_EXECUTION_SIGNALED'),
    workflowTasks: of('WORKFLOW_TASK_COMPLETED') + of('WORKFLOW_TASK_FAILED'),
  }
}
