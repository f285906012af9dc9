import { existsSync, realpathSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import type { ServersFacts } from '../servers/facts.ts'
import type { Display } from './display.ts'

export interface Subject {
  readonly namespace: string
  readonly name: string
  readonly secretName: string
  readonly workflowId: string
  readonly temporalNamespace: string
}

/** Commands to paste into another terminal. */
export function printCommands(display: Display, facts: ServersFacts, subject: Subject): void {
  const { kubernetes, temporal, kubectlPath } = facts
  const { namespace, name, secretName, workflowId } = subject
  const groups: [string, string[]][] = [
    [
      'In another terminal, first:',
      [
        `export KUBECONFIG=${shellWord(kubernetes?.adminKubeconfigPath ?? '')}`,
        ...pathLines({ kubectl: kubectlPath, temporal: temporal?.cliPath }),
        `export TEMPORAL_ADDRESS=${temporal?.address ?? ''} TEMPORAL_NAMESPACE=${subject.temporalNamespace}`,
      ],
    ],
    [
      'Look:',
      [
        `kubectl -n ${namespace} describe certificate ${name}`,
        `kubectl -n ${namespace} get certificate,certificaterequest,order,challenge,secret`,
        `kubectl -n ${namespace} get secret ${secretName} -o jsonpath='{.data.tls\\.crt}' | base64 -d | openssl x509 -noout -text`,
        `temporal workflow show -w ${workflowId}`,
        `temporal workflow metadata -w ${workflowId}`,
      ],
    ],
    [
      'Renew it, and watch: the timeline goes on here',
      [
        `kubectl -n ${namespace} get certificate ${name} -w`,
        `temporal workflow signal -w ${workflowId} --name renew`,
      ],
    ],
    ['The workflow in the browser:', [workflowUrl(facts, subject)]],
  ]
  display.print()
  display.print(display.style('bold', 'Try'))
  for (const [title, lines] of groups) {
    display.print(`  ${title}`)
    for (const line of lines) display.print(`    ${display.style('cyan', line)}`)
  }
}

function workflowUrl({ temporal }: ServersFacts, { temporalNamespace, workflowId }: Subject): string {
  return `${temporal?.uiUrl ?? ''}/namespaces/${temporalNamespace}/workflows/${encodeURIComponent(workflowId)}`
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
  return first !== undefined && realpathSync(first) === realpathSync(path)
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
