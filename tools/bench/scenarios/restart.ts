import { setTimeout as delay } from 'node:timers/promises'
import { AuditLog } from '../../observe/audit-log.ts'
import { quietHistories } from '../../observe/history.ts'
import { settledCounts, since } from '../../observe/temporal-metrics.ts'
import type { Results } from '../results.ts'
import { TEMPORAL_NAMESPACE, type Inspected, type Rig } from '../rig.ts'

/** The Lease of a bridge that was killed runs out after 15 s; only then the new one compares all objects. */
const LEASE_LIMIT_MS = 60_000

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
  await leaseTaken(bridge)
  const seconds = (performance.now() - began) / 1000
  const { signals, workflowTasks, activities } = since(
    before,
    await settledCounts(servers.temporal, TEMPORAL_NAMESPACE),
  )
  const requests = await audit.requests()
  const writes = (await audit.writes()).filter(({ resource }) => resource !== 'leases')
  const add = (id: string, what: string, value: number, unit = '', beside?: string) =>
    results.add({
      scenario: `${ending.what}, ${certificates} certificates`,
      id: `${ending.id}.${id}`,
      ...{ what, value, unit, beside },
    })
  add(
    'seconds',
    'from the start of both until they serve and hold the Lease',
    seconds,
    's',
    `both serve after ${serves.toFixed(1)} s`,
  )
  add('signals', 'signals', signals)
  add('tasks', 'workflow tasks', workflowTasks, '', `${activities} activities`)
  add('writes', 'API writes but the Lease', writes.length, '', `${requests.length} requests in all`)
  if (signals + workflowTasks > 0) {
    const after = await quietHistories(temporal)
    const changed = [...after].filter(([id, length]) => histories.get(id) !== length)
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

async function leaseTaken(bridge: Inspected): Promise<void> {
  for (
    const end = Date.now() + LEASE_LIMIT_MS;
    !(await bridge.tail()).includes('"Lease taken"');
    await delay(50)
  )
    if (Date.now() > end) throw new Error(`the bridge has not taken the Lease; its log is ${bridge.logPath}`)
}
