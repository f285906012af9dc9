import type { CellObservation, Observation } from '../observation.ts'
import { signatures } from './economy.ts'
import { chainOf } from './secret.ts'

/**
 * What must have been seen where a certificate was issued. Every other figure has an upper bound only, which an observer
 * who sees nothing would hold.
 */
export function sight(cell: CellObservation, { killer }: Observation): string[] {
  const { path, renewal } = cell.cell
  const issuances = renewal ? 2 : 1
  // A key that came and went before the watches of a restarted API server began was shown to nobody.
  const keys = killer === 'api-kill' ? issuances - 1 : issuances
  const always: Seen[] = [
    ['runs of its workflow', cell.runs.length, 1],
    ['versions of the Certificate', cell.certificateVersions.length, 1],
  ]
  const issued: Seen[] = [
    ['runs of its workflow', cell.runs.length, issuances],
    ['certificates in its Secret', certificates(cell), issuances],
    ['next keys', cell.keys, keys],
    ['signed requests', signatures(cell), issuances],
  ]
  const ordered: Seen[] = [
    ['orders', cell.orders, issuances],
    ['finalized orders', cell.finalized, issuances],
  ]
  const isIssued = killer !== 'deleted'
  return [...always, ...(isIssued ? issued : []), ...(isIssued && path === 'acme' ? ordered : [])]
    .filter(([, seen, least]) => seen < least)
    .map(([what, seen, least]) => `blind: ${seen} ${what} were seen, there must have been ${least}`)
}

type Seen = [what: string, seen: number, least: number]

function certificates({ secretVersions }: CellObservation): number {
  const seen = secretVersions.flatMap(({ object }) => chainOf(object.data ?? {}).slice(0, 1))
  return new Set(seen.map(({ fingerprint256 }) => fingerprint256)).size
}
