import { readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, loadavg, platform, totalmem } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { programs, type Program } from '../servers/programs.ts'

export interface Machine {
  readonly cores: number
  readonly model: string
  readonly memoryGiB: number
  readonly system: string
  /** Load average of the last minute. */
  readonly load: number
  /** Share of the cores that had nothing to do, percent. */
  readonly idle: number
  /** By program. */
  readonly versions: Readonly<Record<string, string>>
}

export function machineFacts(): Omit<Machine, 'idle'> {
  return {
    cores: availableParallelism(),
    model: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGiB: totalmem() / 2 ** 30,
    system: `${platform()} ${arch()}`,
    load: loadavg()[0] ?? 0,
    versions: {
      node: process.versions.node,
      ...Object.fromEntries(Object.entries(programs).map(([name, program]) => [name, versionOf(program)])),
    },
  }
}

function versionOf({ wheel, go, wanted }: Program): string {
  return wheel?.version ?? go?.version ?? wanted
}

/** Looks at the cores for a moment. */
export async function idleShare(ms = 1_000): Promise<number> {
  const before = cpuTimes()
  await delay(ms)
  const after = cpuTimes()
  return (100 * (after.idle - before.idle)) / Math.max(1, after.all - before.all)
}

export function describeMachine({ cores, model, memoryGiB, system, load, idle, versions }: Machine): string {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return [
    `${cores} cores (${model}), ${memoryGiB.toFixed(1)} GiB, ${system}; load ${load.toFixed(2)}, ${idle.toFixed(0)} % idle`,
    programs.join(', '),
  ].join('\n')
}

/** proc_stat(5): jiffies of all cores. */
function cpuTimes(): { idle: number; all: number } {
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? ''
  const [, ...fields] = line.trim().split(/\s+/)
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] =
    fields.map(Number)
  const resting = idle + iowait
  return { idle: resting, all: user + nice + system + resting + irq + softirq + steal }
}
