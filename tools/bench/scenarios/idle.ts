import { setTimeout as delay } from 'node:timers/promises'
import type { Logged } from '../../dns-fixture/journal.ts'
import { AuditLog } from '../../observe/audit-log.ts'
import { liveHeapMiB } from '../../observe/heap.ts'
import { residentMiB } from '../../observe/process-cost.ts'
import { settledCounts, since, temporalCounts } from '../../observe/temporal-metrics.ts'
import { cpuUse, used, type CpuUse } from '../cpu.ts'
import type { Results } from '../results.ts'
import { TEMPORAL_NAMESPACE, type Certloom, type Inspected, type Rig } from '../rig.ts'

/** Memory of one of certloom's processes, MiB. */
export interface Memory {
  readonly resident: number
  /** What lives on the heap of the main thread. */
  readonly heap: number
}

export type Memories = Readonly<Record<'bridge' | 'worker', Memory>>

export async function memoryOf({ bridge, worker }: Certloom): Promise<Memories> {
  const of = async ({ pid, inspectorPort }: Inspected) => ({
    heap: await liveHeapMiB(pid, inspectorPort),
    resident: residentMiB(pid),
  })
  return { bridge: await of(bridge), worker: await of(worker) }
}

export interface IdleSizes {
  readonly certificates: number
  /** Length of each of the two windows. */
  readonly seconds: number
}

/**
 * What certificates cost that only lie there. Certloom's processes have just been started, as those had been whose
 * `empty` memory was taken before there was any certificate. What a start leaves to V8's threads (compiling, garbage
 * collection) is paid in the first window; in the second one the processes idle. Counts are those of both.
 */
export async function measureIdle(
  rig: Rig,
  empty: Memories,
  sizes: IdleSizes,
  results: Results,
): Promise<void> {
  const { servers } = rig.site
  const { certificates, seconds } = sizes
  const audit = await AuditLog.start(servers)
  const counts = await settledCounts(servers.temporal, TEMPORAL_NAMESPACE)
  const asked = await dnsQueries(servers.dns.controlUrl)
  const started = cpuUse(rig)
  await delay(seconds * 1000)
  const settled = cpuUse(rig)
  await delay(seconds * 1000)
  const shareAtFirst = used(started, settled, seconds * 10)
  const share = used(settled, cpuUse(rig), seconds * 10)
  const { signals, workflowTasks } = since(counts, await temporalCounts(servers.temporal, TEMPORAL_NAMESPACE))
  const writes = (await audit.writes()).filter(({ resource }) => resource !== 'leases')
  const queries = (await dnsQueries(servers.dns.controlUrl)) - asked
  const memory = await memoryOf(rig.certloom)

  const add = (id: string, what: string, value: number, unit = '', beside?: string) =>
    results.add({
      scenario: `idle, ${certificates} certificates, twice ${seconds} s`,
      id: `idle.${id}`,
      what,
      value,
      unit,
      beside,
    })
  add(
    'writes',
    'API writes but the Lease',
    writes.length,
    '',
    `${(await audit.requests()).length} requests in all`,
  )
  add('tasks', 'workflow tasks', workflowTasks, '', `${signals} signals`)
  add('dns', 'DNS queries', queries)
  const both = (of: CpuUse) => (of.get('bridge') ?? 0) + (of.get('worker') ?? 0)
  const what = 'CPU of bridge and worker, % of one core'
  add('cpu-at-first', `${what}, ${seconds} s after a start`, both(shareAtFirst), '%', percents(shareAtFirst))
  add('cpu', `${what}, after that`, both(share), '%', percents(share))
  for (const name of ['bridge', 'worker'] as const) {
    const [now, then] = [memory[name], empty[name]]
    const beside = `${now.heap.toFixed(1)} MiB live heap; empty: ${then.resident.toFixed(0)} and ${then.heap.toFixed(1)}`
    add(`${name}-memory`, `resident memory, ${name}`, now.resident, 'MiB', beside)
  }
  // Only the bridge keeps something for each certificate; the worker's heap varies by more than a thousand would take.
  const grown = memory.bridge.heap - empty.bridge.heap
  add('memory', 'live heap of 1,000 certificates, bridge', (grown * 1000) / certificates, 'MiB')
}

function percents(share: CpuUse): string {
  return [...share].map(([name, percent]) => `${name} ${percent.toFixed(1)}`).join(', ')
}

async function dnsQueries(controlUrl: string): Promise<number> {
  const response = await fetch(`${controlUrl}/log?after=0`, { headers: { connection: 'close' } })
  const log = (await response.json()) as Logged[]
  return log.filter(({ kind }) => kind === 'query').length
}
