import type { Cell } from '../cells.ts'
import { faultPoints, type FaultPoint } from '../fault-points.ts'
import type { KillerName } from '../killers.ts'
import type { CellObservation, Observation } from '../observation.ts'

/** I6 and I7: no more keys, requests, certificates and orders than the moment of the kill explains. */
export function economy(cell: CellObservation, { killer }: Observation): string[] {
  const attempts = attemptsAllowed(killer, cell.cell)
  const certificates = certificatesAllowed(killer, cell.cell)
  const { orders, left } = ordersAllowed(killer, cell.cell)
  const requests = new Set(cell.requestVersions.map(({ object }) => object.metadata.uid)).size
  return [
    most('I6', cell.keys, 'keys were made', attempts),
    most('I6', requests, 'requests were made', attempts),
    most('I6', signatures(cell), 'certificates were issued', certificates),
    most('I6', cell.finalized, 'orders were finalized', certificates),
    most('I7', cell.orders, 'orders were made', orders),
    most('I7', cell.pending, 'orders were left pending', left),
  ].flat()
}

function most(id: string, seen: number, what: string, allowed: number): string[] {
  return seen > allowed ? [`${id}: ${seen} ${what}, ${allowed} allowed`] : []
}

/** Different certificates that requests of this Certificate ever carried. */
export function signatures({ requestVersions }: CellObservation): number {
  const seen = requestVersions
    .map(({ object }) => object.status?.['certificate'])
    .filter((one) => one !== undefined)
  return new Set(seen).size
}

/** Attempts at a revision, each with a key and a request of its own. */
function attemptsAllowed(killer: KillerName, cell: Cell): number {
  // The names changed, or the CA knows nothing of the order: what was begun is given up.
  const again = killer === 'edited' || isForgotten(killer, cell)
  return 1 + (again ? 1 : 0) + (cell.renewal ? 1 : 0)
}

function certificatesAllowed(killer: KillerName, cell: Cell): number {
  // The names changed: what was signed for the old ones is not what is wanted.
  const unwanted = killer === 'edited'
  // Signed by a CA that then forgot: nobody can fetch it. A record is taken out of DNS beside the finalizing.
  const signed = at(cell, ['finalize', 'after'], ['download', 'before'])
  const beside = at(cell, ['clean-up', 'before'], ['unclaim', 'after'])
  const forgotten = killer === 'pebble-lost' && (signed || beside)
  return 1 + (unwanted || forgotten ? 1 : 0) + (cell.renewal ? 1 : 0)
}

/** How many may be made, and how many of them may wait for a proof until they expire. */
function ordersAllowed(killer: KillerName, cell: Cell): { orders: number; left: number } {
  if (cell.path !== 'acme') return { orders: 0, left: 0 }
  const unknown = isUnknown(killer, cell) ? 1 : 0
  const forgotten = isForgotten(killer, cell) ? 1 : 0
  const again = killer === 'edited' ? 1 : 0
  return { orders: 1 + unknown + forgotten + again + (cell.renewal ? 1 : 0), left: unknown + forgotten }
}

/** Between the answer to newOrder and its record, nobody but the CA knows the order, and whoever dies takes it along. */
function isUnknown(killer: KillerName, cell: Cell): boolean {
  if (killer === 'worker-kill') return at(cell, ['new-order', 'after'], ['order-recorded', 'before'])
  // It orders once more when it wakes, and finds the record of another one.
  return killer === 'zombie' && at(cell, ['new-order', 'before'], ['order-recorded', 'before'])
}

/** Whether a CA that lost its state lost an order with it that was still needed. */
function isForgotten(killer: KillerName, cell: Pick<Cell, 'point' | 'when'>): boolean {
  // Before the last step, which finalizes and all that follows, the order is in hand as well.
  const inHand =
    at(cell, ['new-order', 'after'], ['download', 'before']) ||
    at(cell, ['done', 'before'], ['done', 'before'])
  return killer === 'pebble-lost' && inHand
}

type Moment = readonly [point: FaultPoint, when: Cell['when']]

/** Whether a cell is stopped in a span of the table, both ends included. */
function at({ point, when }: Pick<Cell, 'point' | 'when'>, from: Moment, to: Moment): boolean {
  const all = Object.keys(faultPoints)
  const place = ([one, side]: Moment) => 2 * all.indexOf(one) + (side === 'after' ? 1 : 0)
  const here = place([point, when])
  return place(from) <= here && here <= place(to)
}
