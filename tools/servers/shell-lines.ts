import { existsSync, realpathSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import type { ServersFacts } from './facts.ts'

/** Lines to paste into a shell, so that kubectl and temporal are found there and find the started servers. */
export function shellLines(facts: ServersFacts, temporalNamespace: string): string[] {
  const { kubernetes, temporal, kubectlPath } = facts
  return [
    ...(kubernetes ? [`export KUBECONFIG=${shellWord(kubernetes.adminKubeconfigPath)}`] : []),
    ...pathLines({ kubectl: kubectlPath, temporal: temporal?.cliPath }),
    ...(temporal
      ? [`export TEMPORAL_ADDRESS=${shellWord(temporal.address)} TEMPORAL_NAMESPACE=${temporalNamespace}`]
      : []),
  ]
}

/** What puts programs on the search path that are not on it; nothing where the shell finds these very programs. */
function pathLines(programs: Readonly<Record<string, string | undefined>>): string[] {
  const missing = Object.entries(programs).flatMap(([name, path]) =>
    path === undefined || finds(name, path) ? [] : [dirname(path)],
  )
  return missing.length === 0 ? [] : [`export PATH=${missing.map(shellWord).join(':')}:$PATH`]
}

function finds(name: string, path: string): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const first = folders.map((folder) => join(folder, name)).find((candidate) => existsSync(candidate))
  return first !== undefined && existsSync(path) && realpathSync(first) === realpathSync(path)
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
