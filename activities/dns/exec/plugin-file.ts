import { constants, type Stats } from 'node:fs'
import { access, realpath, stat } from 'node:fs/promises'
import { isAbsolute, join, relative, sep } from 'node:path'
import { CertloomError } from '../../failure.ts'
import { inspectProgram } from './program-head.ts'

export interface PluginFile {
  /** What to execute: the file itself, links resolved. */
  path: string
  /** The path under which the plugin was installed. */
  argv0: string
}

const MAX_FILE_NAME_BYTES = 255

/** Why a text cannot be the name of a plugin; undefined when it can. */
export function pluginNameProblem(name: string): string | undefined {
  if (name === '') return 'must not be empty'
  if (name === '.' || name === '..') return 'must be a file name, not a directory'
  if (/[/\\]/.test(name)) return 'must be a file name in the plugin directory, not a path'
  if (/[\u0000-\u001f\u007f]/.test(name)) return 'must not have control characters'
  if (Buffer.byteLength(name) > MAX_FILE_NAME_BYTES) return `must have at most ${MAX_FILE_NAME_BYTES} bytes`
  return undefined
}

/**
 * Finds the plugin `<directory>/<name>` and checks that it can be executed: a regular file that does not leave the
 * directory, that its owner alone can write, with execute permission and an interpreter that is there.
 */
export async function findPlugin(directory: string, name: string): Promise<PluginFile> {
  const problem = pluginNameProblem(name)
  if (problem !== undefined) throw new CertloomError('InvalidSpec', `the plugin name "${name}" ${problem}`)
  const argv0 = join(directory, name)
  const path = await resolveInside(directory, argv0, name)
  const refuse = (why: string): never => {
    throw new CertloomError('PluginNotExecutable', `plugin "${name}" ${why}`)
  }
  const file = await stat(path)
  if (!file.isFile()) refuse(`is ${typeOf(file)}, not a regular file`)
  if ((file.mode & 0o022) !== 0) {
    refuse(
      `can be written by others than its owner (mode ${(file.mode & 0o7777).toString(8).padStart(4, '0')})`,
    )
  }
  if (!(await isExecutable(path))) refuse('has no execute permission for the user of the worker')
  const unfit = await inspectProgram(path)
  if (unfit !== undefined) refuse(unfit)
  return { path, argv0 }
}

async function resolveInside(directory: string, installed: string, name: string): Promise<string> {
  if (!isAbsolute(directory)) {
    throw new CertloomError('PluginMissing', `the plugin directory "${directory}" is not an absolute path`)
  }
  const root = await realpath(directory).catch((error: unknown) => {
    throw missing(`the plugin directory ${directory} cannot be opened (${codeOf(error)})`, error)
  })
  const path = await realpath(installed).catch((error: unknown) => {
    throw missing(`plugin "${name}" is not in the plugin directory ${directory} (${codeOf(error)})`, error)
  })
  const inside = relative(root, path)
  if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`)) {
    throw new CertloomError(
      'PluginNotExecutable',
      `plugin "${name}" is a link that leaves the plugin directory`,
    )
  }
  return path
}

function missing(message: string, cause: unknown): CertloomError {
  return new CertloomError('PluginMissing', message, { cause })
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error'
}

function typeOf(file: Stats): string {
  if (file.isDirectory()) return 'a directory'
  if (file.isFIFO()) return 'a named pipe'
  if (file.isSocket()) return 'a socket'
  return 'a device'
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
