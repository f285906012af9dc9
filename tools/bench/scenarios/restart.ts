import { setTimeout as delay } from 'node:timers/promises'
import { AuditLog } from '../../observe/audit-log.ts'
import { quietHistories } from '../../observe/history.ts'
import { settledCounts, since } from '../../observe/temporal-metrics.ts'
import type { Results } from '../results.ts'
import { TEMPORAL_NAMESPACE, type Rig } from '../rig.ts'

/** The Lease of a bridge that was killed runs out after 15 s; only then the new one compares all objects. */
const LEASE_LIMIT_MS = 60_000

/** Bridge and worker are killed and started again while every certificate is issued: nothing may come of it. */
export async function measureRestart(rig: Rig, certificates: number, results: Results): Promise<void> {
  const { servers, temporal } = rig.site
  // Ready is said within the last step: the workflow has yet to hear of it.
  const histories = await quietHistories(temporal)
  await rig.kill()
  const audit = await AuditLog.start(servers)
  const before = await settledCounts(servers.temporal, TEMPORAL_NAMESPACE)
  const began = performance.now()
  const { bridge } = await rig.start()
  const seconds = (performance.now() - began) / 1000
  for (
    const end = Date.now() + LEASE_LIMIT_MS;
    !(await bridge.tail()).includes('"Lease taken"');
    await delay(50)
  )
    if (Date.now() > end) throw new Error(`the bridge has not taken the Lease; its log is ${bridge.logPath}`)
  const leaseSeconds = (performance.now() - began) / 1000
  const { signals, workflowTasks, activities } = since(
    before,
    await settledCounts(servers.temporal, TEMPORAL_NAMESPACE),
  )
  const requests = await audit.requests()
  const writes = (await audit.writes()).filter(({ resource }) => resource !== 'leases')
  const add = (id: string, what: string, value: number, unit = '', beside?: string) =>
    results.add({
      scenario: `restart with ${certificates} certificates`,
      id: `restart.${id}`,
      what,
      value,
      unit,
      beside,
    })
  add(
    'seconds',
    'kill -9 of bridge and worker: until both serve',
    seconds,
    's',
    `Lease after ${leaseSeconds.toFixed(1)} s`,
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
