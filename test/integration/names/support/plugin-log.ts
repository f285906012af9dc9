import { readFile } from 'node:fs/promises'

/** One line of the log of the plugin "watched". */
export interface LogLine {
  /** Nanoseconds of the machine's monotonic clock. */
  at: string
  time: string
  phase: 'start' | 'end'
  pid: number
  command: 'CREATE' | 'DELETE'
  fqdn: string
  value: string
  exitCode?: number
}

export async function readLog(file: string): Promise<LogLine[]> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as LogLine).sort((a, b) => Number(BigInt(a.at) - BigInt(b.at)))
}

/**
 * What is wrong in a log, in words; empty where all is well. For each name: from the start of a value's CREATE to the
 * end of a DELETE of that value that worked, no call with another value starts, and none that started before still
 * runs; in the end no value is left. What the plugin itself wrote is all that is looked at.
 */
export function violations(log: readonly LogLine[]): string[] {
  const names = new Set(log.map((line) => line.fqdn))
  return [...names].flatMap((fqdn) => violationsOf(log.filter((line) => line.fqdn === fqdn)))
}

function violationsOf(log: readonly LogLine[]): string[] {
  const found: string[] = []
  const ended = new Set(log.filter((line) => line.phase === 'end').map(callOf))
  const running = new Map<string, LogLine>()
  let standing: LogLine | undefined
  for (const line of log) {
    if (line.phase === 'start') {
      if (standing !== undefined && standing.value !== line.value) {
        found.push(`${told(line)} although ${short(standing.value)} stands since ${standing.time}`)
      }
      for (const other of running.values()) {
        if (other.value !== line.value) found.push(`${told(line)} while ${told(other)} still runs`)
      }
      // A call that was killed never ends; it runs no more when the next one starts.
      if (ended.has(callOf(line))) running.set(callOf(line), line)
      if (line.command === 'CREATE') standing = line
      continue
    }
    running.delete(callOf(line))
    const removes = line.command === 'DELETE' && line.exitCode === 0
    if (removes && standing?.value === line.value) standing = undefined
  }
  if (standing !== undefined) found.push(`${standing.fqdn}: ${short(standing.value)} is never deleted`)
  return found
}

/** Values that stand, by the log: created and not deleted since. */
export function standingValues(log: readonly LogLine[]): string[] {
  const standing = new Set<string>()
  for (const { phase, command, value, exitCode } of log) {
    if (phase === 'end' && command === 'CREATE' && exitCode === 0) standing.add(value)
    if (phase === 'end' && command === 'DELETE' && exitCode === 0) standing.delete(value)
  }
  return [...standing]
}

/** Calls that have started and not ended. */
export function runningCalls(log: readonly LogLine[]): LogLine[] {
  const ended = new Set(log.filter((line) => line.phase === 'end').map(callOf))
  return log.filter((line) => line.phase === 'start' && !ended.has(callOf(line)))
}

const callOf = ({ pid, command, value }: LogLine) => `${pid} ${command} ${value}`
const short = (value: string) => value.slice(0, 8)
const told = ({ fqdn, command, value, time }: LogLine) => `${fqdn}: ${command} ${short(value)} at ${time}`
