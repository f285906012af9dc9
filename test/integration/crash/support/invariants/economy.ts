import type { Cell } from '../cells.ts'
import type { KillerName } from '../killers.ts'
import type { CellObservation, Observation } from '../observation.ts'

/** I6 and I7: no more certificates and orders than the moment of the kill explains. */
export function economy(cell: CellObservation, { killer }: Observation): string[] {
  const troubles: string[] = []
  const signed = signatures(cell)
  const mostSigned = certificatesAllowed(killer, cell.cell)
  if (signed > mostSigned) troubles.push(`I6: ${signed} certificates were issued, ${mostSigned} allowed`)
  if (cell.cell.path !== 'acme') return troubles
  const mostOrders = ordersAllowed(killer, cell.cell)
  if (cell.orders > mostOrders) troubles.push(`I7: ${cell.orders} orders were made, ${mostOrders} allowed`)
  if (cell.finalized > mostSigned)
    troubles.push(`I6: ${cell.finalized} orders were finalized, ${mostSigned} allowed`)
  return troubles
}

/** Different certificates that requests of this Certificate ever carried. */
function signatures({ requestVersions }: CellObservation): number {
  const seen = requestVersions
    .map(({ object }) => object.status?.['certificate'])
    .filter((one) => one !== undefined)
  return new Set(seen).size
}

export function certificatesAllowed(killer: KillerName, { point, when, path }: Cell): number {
  // A renewal is under way, after a first issuance.
  const renewal = point === 'continue-as-new' ? 1 : 0
  // The names changed: what was signed for the old ones is not what is wanted.
  if (killer === 'edited') return 2 + renewal
  // Signed by a CA that then forgot: nobody can fetch it.
  const forgotten = path === 'acme' && ((point === 'finalize' && when === 'after') || point === 'download')
  return (killer === 'pebble-lost' && forgotten ? 2 : 1) + renewal
}

/** Between the answer to newOrder and its record, nobody but the CA knows the order. */
export function ordersAllowed(killer: KillerName, { point, when }: Cell): number {
  const between =
    (point === 'new-order' && when === 'after') || (point === 'order-recorded' && when === 'before')
  // Released while the API server is away: the order is made, and its record is refused.
  const unknown = between || (point === 'new-order' && (killer === 'zombie' || killer === 'api-kill'))
  const again = killer === 'edited' || killer === 'pebble-lost'
  const renewal = point === 'continue-as-new'
  return 1 + (unknown ? 1 : 0) + (again ? 1 : 0) + (renewal ? 1 : 0)
}
