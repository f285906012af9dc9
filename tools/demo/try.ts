import { accessSync, constants, realpathSync } from 'node:fs'
import { delimiter, join } from 'node:path'
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
  const kubectl = shellWord(shortest('kubectl', kubectlPath))
  const cli = shellWord(shortest('temporal', temporal?.cliPath))
  const groups: [string, string[]][] = [
    [
      'In another terminal:',
      [
        `export KUBECONFIG=${shellWord(kubernetes?.adminKubeconfigPath ?? '')}`,
        `export TEMPORAL_ADDRESS=${temporal?.address ?? ''} TEMPORAL_NAMESPACE=${subject.temporalNamespace}`,
      ],
    ],
    [
      'Look:',
      [
        `${kubectl} -n ${namespace} describe certificate ${name}`,
        `${kubectl} -n ${namespace} get certificate,certificaterequest,order,challenge,secret`,
        `${kubectl} -n ${namespace} get secret ${secretName} -o jsonpath='{.data.tls\\.crt}' | base64 -d | openssl x509 -noout -text`,
        `${cli} workflow show -w ${workflowId}`,
        `${cli} workflow metadata -w ${workflowId}`,
      ],
    ],
    [
      'Renew it, and watch: the timeline goes on here',
      [
        `${kubectl} -n ${namespace} get certificate ${name} -w`,
        `${cli} workflow signal -w ${workflowId} --name renew`,
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

/** The bare name where the shell finds this very program under it, else its path. */
function shortest(name: string, path: string | undefined): string {
  if (path === undefined) return name
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const candidate = join(folder, name)
    try {
      accessSync(candidate, constants.X_OK)
      return realpathSync(candidate) === realpathSync(path) ? name : path
    } catch {
      continue
    }
  }
  return path
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
