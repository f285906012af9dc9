import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdir, readFile, readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { isErrno, ServersError } from './error.ts'
import { isHolder, tryLock, type FileLock } from './file-lock.ts'

const marker = 'certloom-servers.json'
const lockName = 'owner.lock'

/** What is remembered from one start to the next. */
interface Remembered {
  readonly ports: Readonly<Record<string, number>>
  /** Processes of the last owner, for the case that it and its supervisor were both killed by force. */
  readonly pids: readonly number[]
}

export class DataFolder {
  readonly path: string
  readonly #lock: FileLock
  #remembered: Remembered

  private constructor(path: string, lock: FileLock, remembered: Remembered) {
    this.path = path
    this.#lock = lock
    this.#remembered = remembered
  }

  /**
   * Takes a folder for the servers of this process. With `fresh` its content is deleted first, but only if it is
   * a folder of ours. @throws ServersError when a live process uses it, or it holds something else
   */
  static async open(folder: string, fresh: boolean): Promise<DataFolder> {
    const path = resolve(folder)
    await mkdir(path, { recursive: true, mode: 0o700 })
    const found = await readdir(path)
    if (!found.includes(marker) && found.some((name) => !name.startsWith(lockName)))
      throw new ServersError(`${path} holds other files: name an empty or a new folder for the servers' data`)
    const lock = await tryLock(join(path, lockName))
    if (isHolder(lock))
      throw new ServersError(
        `${path} is in use by process ${lock.pid}: stop that one, or name another data folder`,
      )
    try {
      const remembered = await readRemembered(join(path, marker))
      await killLeftovers(remembered.pids, path)
      if (fresh)
        for (const name of await readdir(path))
          if (name !== lockName) await rm(join(path, name), { recursive: true, force: true })
      const data = new DataFolder(path, lock, { ports: fresh ? {} : remembered.ports, pids: [] })
      data.#write()
      return data
    } catch (error) {
      lock.release()
      throw error
    }
  }

  get ports(): Readonly<Record<string, number>> {
    return this.#remembered.ports
  }

  remember(change: Partial<Remembered>): void {
    this.#remembered = { ...this.#remembered, ...change }
    this.#write()
  }

  close(): void {
    this.#lock.release()
  }

  // At once: two writers in turn must not mix their texts.
  #write(): void {
    writeFileSync(join(this.path, marker), JSON.stringify(this.#remembered, null, 2) + '\n')
  }
}

async function readRemembered(file: string): Promise<Remembered> {
  try {
    const { ports = {}, pids = [] } = JSON.parse(await readFile(file, 'utf8')) as Partial<Remembered>
    return { ports, pids }
  } catch (error) {
    if (isErrno(error, 'ENOENT') || error instanceof SyntaxError) return { ports: {}, pids: [] }
    throw error
  }
}

/** Kills servers that outlived their owner. The folder in their command line tells them from later processes. */
async function killLeftovers(pids: readonly number[], folder: string): Promise<void> {
  for (const pid of pids) {
    const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)]).catch(
      () => ({
        stdout: '',
      }),
    )
    if (!stdout.includes(folder)) continue
    try {
      process.kill(-pid, 'SIGKILL')
    } catch (error) {
      if (!isErrno(error, 'ESRCH')) throw error
    }
  }
}
