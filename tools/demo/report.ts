import type { Display } from './display.ts'
import type { Check, IssuedResult } from './result.ts'

/** What was issued and what was checked, in two columns. */
export function printResult(display: Display, result: IssuedResult, totalMs: number): void {
  const { secret } = result
  const verdict = ({ good, finding }: Check) =>
    good ? `${display.style('green', '✓')} ${finding}` : display.style('red', `✗ ${finding}`)
  const rows: [string, string][] = [
    ['Subject', result.subject],
    ['DNS names', result.dnsNames.join(', ')],
    ['Issuer', result.issuer],
    ['Serial', result.serial],
    ['Valid', `${result.notBefore} to ${result.notAfter}`],
    ['Renewal', result.renewalTime],
    ['Chain', verdict(result.chain)],
    ['Key', verdict(result.key)],
    ['Names', verdict(result.names)],
    ['Secret', `${secret.name} (${secret.type}): ${secret.keys.join(', ')}`],
    ['  labels', secret.labels.join(', ')],
    ['Apply to Ready', display.style('bold', `${(totalMs / 1000).toFixed(2)} s`)],
  ]
  display.print()
  display.print(display.style('bold', 'Certificate'))
  for (const [label, value] of rows) display.print(`  ${display.style('dim', label.padEnd(16))}${value}`)
}

export function isGood({ chain, key, names }: IssuedResult): boolean {
  return chain.good && key.good && names.good
}
