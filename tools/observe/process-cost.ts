import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Milliseconds per clock tick of /proc. */
const TICK_MS = 1000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/**
 * CPU time that a process has used, with its ended children (plugins are such), in milliseconds: proc_pid_stat(5),
 * fields 14 to 17. The kernel counts in ticks of usually 10 ms. 0 where the process is gone.
 */
export function cpuMs(pid: number): number {
  const stat = read(`/proc/${pid}/stat`)
  // The name in parentheses may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return ticks * TICK_MS
}

/** Resident memory, MiB. 0 where the process is gone. */
export function residentMiB(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1]
  return Number(kibibytes ?? 0) / 1024
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
