import { cpuMs } from '../observe/process-cost.ts'
import type { ProcessName } from '../servers/managed-process.ts'
import type { Rig } from './rig.ts'

const SERVERS: readonly ProcessName[] = [
  'temporal',
  'kube-apiserver',
  'kube-controller-manager',
  'etcd',
  'pebble',
  'dns',
]

/** What counts as ours: certloom's processes, and the Temporal that it needs. */
const OURS = ['bridge', 'worker', 'temporal']

/** CPU milliseconds used so far, by process; `bench` is the measuring itself. */
export type CpuUse = ReadonlyMap<string, number>

export function cpuUse({ site, certloom }: Pick<Rig, 'site' | 'certloom'>): CpuUse {
  const pids: [string, number | undefined][] = [
    ['bridge', certloom.bridge.pid],
    ['worker', certloom.worker.pid],
    ...SERVERS.map((name): [string, number | undefined] => [name, site.servers.process(name).pid]),
    ['bench', process.pid],
  ]
  return new Map(pids.map(([name, pid]) => [name, pid === undefined ? 0 : cpuMs(pid)]))
}

/** @returns milliseconds between two looks, divided by `by` */
export function used(before: CpuUse, after: CpuUse, by: number): CpuUse {
  return new Map([...after].map(([name, ms]) => [name, (ms - (before.get(name) ?? 0)) / by]))
}

export function ours(use: CpuUse): number {
  return OURS.reduce((sum, name) => sum + (use.get(name) ?? 0), 0)
}

export function cpuText(use: CpuUse): string {
  return [...use].map(([name, ms]) => `${name} ${ms.toFixed(1)}`).join(', ')
}
