import type { ServersFacts } from './facts.ts'
import { shellLines } from './shell-lines.ts'

/** The namespace that `certloom setup` makes unless it is told another. */
const TEMPORAL_NAMESPACE = 'certloom'

/** What a person needs to use the servers: addresses in two columns and the lines to paste into a shell. */
export function describeServers(facts: ServersFacts): string {
  const { kubernetes, temporal, pebble, dns, kubectlPath, dataDir } = facts
  const rows: [string, string][] = []
  if (kubernetes)
    rows.push(['Kubernetes API', kubernetes.url], ['  kubeconfig', kubernetes.adminKubeconfigPath])
  if (kubectlPath) rows.push(['  kubectl', kubectlPath])
  if (temporal)
    rows.push(['Temporal', temporal.address], ['  UI', temporal.uiUrl], ['  CLI', temporal.cliPath])
  if (pebble)
    rows.push(
      ['ACME directory', pebble.directoryUrl],
      ['  management', pebble.managementUrl],
      ['  challenges', `HTTP-01 on port ${pebble.httpPort}, TLS-ALPN-01 on port ${pebble.tlsPort}`],
    )
  if (dns)
    rows.push(
      ['DNS resolver', dns.resolver],
      ['  authoritative', dns.authoritative.join(', ')],
      ['  control', dns.controlUrl],
      ['  zones', dns.zones.join(', ')],
    )
  rows.push(['Data and logs', dataDir])
  const width = Math.max(...rows.map(([label]) => label.length)) + 2
  const lines = rows.map(([label, value]) => label.padEnd(width) + value)
  const exports = shellLines(facts, TEMPORAL_NAMESPACE)
  return [...lines, ...(exports.length > 0 ? ['', ...exports] : [])].join('\n') + '\n'
}
