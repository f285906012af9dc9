import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { buildFlags, moduleFolder } from './cache.ts'
import { ServersError } from './error.ts'
import type { GoSource } from './programs.ts'
import { runLogged } from './run-logged.ts'
import type { Supervisor } from './supervisor.ts'

export const goWanted = 'Go 1.26.4'

/** Builds a program from its pinned module into `output`; `log` gets what Go prints. @throws ServersError */
export async function buildGo(
  supervisor: Supervisor,
  source: GoSource,
  output: string,
  log: string,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<void> {
  await runLogged(
    supervisor,
    {
      command: 'go',
      args: [...buildFlags(source), '-o', output, source.package],
      cwd: moduleFolder(source),
      env: { ...env, CGO_ENABLED: '0', GOWORK: 'off' },
      log,
    },
    signal,
  )
}

/** @throws ServersError saying what to install when there is no Go, or one too old that may not fetch a newer one. */
export async function requireGo(program: string, variable: string, env: NodeJS.ProcessEnv): Promise<void> {
  const remedy = `install ${goWanted} or newer (go.dev/doc/install), or set ${variable} to the path of the program`
  const run = promisify(execFile)
  try {
    const { stdout } = await run('go', ['env', 'GOVERSION', 'GOTOOLCHAIN'], { env })
    const [version = '', toolchain = ''] = stdout.split('\n')
    if (!isOld(version) || !toolchain.trim().startsWith('local')) return
    throw new ServersError(`${program} must be built, but ${version.trim()} is too old: ${remedy}`)
  } catch (error) {
    if (error instanceof ServersError) throw error
    throw new ServersError(`${program} must be built, but there is no working Go on PATH: ${remedy}`, {
      cause: error,
    })
  }
}

function isOld(version: string): boolean {
  const [, minor = 0, patch = 0] = (/go(\d+)\.(\d+)(?:\.(\d+))?/.exec(version) ?? [])
    .slice(1)
    .map((part) => Number(part ?? 0))
  return minor < 26 || (minor === 26 && patch < 4)
}
