import type { ServersFacts } from '../servers/facts.ts'
import { shellLines } from '../servers/shell-lines.ts'
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
  const { namespace, name, secretName, workflowId } = subject
  const groups: [string, string[]][] = [
    ['In another terminal, first:', shellLines(facts, subject.temporalNamespace)],
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
