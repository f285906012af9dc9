import { globSync } from 'node:fs'
import { matchesGlob } from 'node:path'

export interface TestFiles {
  /** Need nothing but this machine. */
  readonly unit: readonly string[]
  /** Need the local servers. */
  readonly integration: readonly string[]
}

const integrationFolder = 'test/integration/'

/** The test files below a folder, sorted; with patterns only those whose path contains or, as a glob, matches one. */
export function findTests(root: string, patterns?: readonly string[]): TestFiles {
  const all = globSync('test/**/*.test.ts', { cwd: root })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => patterns?.some((one) => file.includes(one) || matchesGlob(file, one)) ?? true)
    .sort()
  return {
    unit: all.filter((file) => !file.startsWith(integrationFolder)),
    integration: all.filter((file) => file.startsWith(integrationFolder)),
  }
}
