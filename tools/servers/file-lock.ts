import { randomBytes } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { readFileSync, rmSync } from 'node:fs'
import { isErrno } from './error.ts'

/** A process that holds a lock; `started` tells it from a later process that got the same number. */
export interface LockHolder {
  readonly pid: number
  readonly started: string
}

export interface FileLock {
  release(): void
}

/**
 * Takes the lock file at `path`, or returns the live process that holds it. A lock whose process is gone is broken.
 * The file appears with its content in one step (link), so no reader ever sees half of it.
 */
export async function tryLock(path: string): Promise<FileLock | LockHolder> {
  for (;;) {
    const own = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
    const text = JSON.stringify({ pid: process.pid, started: startOf(process.pid) ?? '' })
    await writeFile(own, text, { mode: 0o600 })
    try {
      await link(own, path)
      return { release: () => release(path, text) }
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error
    } finally {
      await rm(own, { force: true })
    }
    const held = await readFile(path, 'utf8').catch(() => undefined)
    if (held === undefined) continue
    const holder = parseHolder(held)
    if (holder && isAlive(holder)) return holder
    await breakLock(path, held)
  }
}

export function isHolder(lock: FileLock | LockHolder): lock is LockHolder {
  return 'pid' in lock
}

/** Whether exactly this process still runs, not merely one with its number. */
export function isAlive(holder: LockHolder): boolean {
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    return isErrno(error, 'EPERM')
  }
  const started = startOf(holder.pid)
  return started === undefined || holder.started === '' || started === holder.started
}

async function breakLock(path: string, expected: string): Promise<void> {
  const aside = `${path}.stale.${process.pid}.${randomBytes(4).toString('hex')}`
  try {
    await rename(path, aside)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return
    throw error
  }
  // Between reading and renaming another process may have broken it already and taken the lock: give that one back.
  if ((await readFile(aside, 'utf8')) !== expected) await link(aside, path).catch(() => undefined)
  await rm(aside, { force: true })
}

function release(path: string, text: string): void {
  try {
    if (readFileSync(path, 'utf8') === text) rmSync(path)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
  }
}

function parseHolder(text: string): LockHolder | undefined {
  try {
    const { pid, started } = JSON.parse(text) as Partial<LockHolder>
    return typeof pid === 'number' && pid > 0 ? { pid, started: String(started ?? '') } : undefined
  } catch {
    return undefined
  }
}

/** The start time of a process in clock ticks since boot; undefined where the system has no /proc. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold spaces; field 22 counts from the parenthesis' end.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}
