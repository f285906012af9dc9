import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface OpensslResult {
  ok: boolean
  /** Standard output and standard error. */
  text: string
}

/** Runs the system's openssl, an independent reader and writer of everything under test. */
export function openssl(args: string[], input = ''): OpensslResult {
  const { status, stdout, stderr, error } = spawnSync('openssl', args, { input, encoding: 'utf8' })
  if (error) throw error
  return { ok: status === 0, text: stdout + stderr }
}

/** Standard output of an openssl that must succeed. */
export function made(args: string[], input = ''): string {
  const { status, stdout, stderr, error } = spawnSync('openssl', args, { input, encoding: 'utf8' })
  if (error) throw error
  if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`)
  return stdout
}

/** Runs `use` with files of these contents, and removes them. */
export function withFiles<T>(contents: Record<string, string>, use: (paths: Record<string, string>) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'certloom-x509-'))
  try {
    const paths = Object.entries(contents).map(([name, content]) => {
      const path = join(folder, name)
      writeFileSync(path, content, { mode: 0o600 })
      return [name, path] as const
    })
    return use(Object.fromEntries(paths))
  } finally {
    rmSync(folder, { recursive: true })
  }
}
