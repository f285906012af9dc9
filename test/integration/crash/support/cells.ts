import { faultPoints, type FaultPoint, type Path, type When } from './fault-points.ts'
import type { KillerName } from './killers.ts'

/** One Certificate that is stopped at one point of its issuance when a killer strikes. */
export interface Cell {
  readonly path: Path
  readonly point: FaultPoint
  readonly when: When
  /** The point lies in a renewal, after a first issuance that nobody disturbed: there is a valid Secret to harm. */
  readonly renewal: boolean
  /** Of the Certificate. */
  readonly name: string
}

/** `acme new-order after`, `acme renewal new-order after` */
export function describeCell({ path, point, when, renewal }: Omit<Cell, 'name'>): string {
  return `${path}${renewal ? ' renewal' : ''} ${point} ${when}`
}

/** Every cell that a killer may strike. */
export function cellsFor(killer: KillerName): Cell[] {
  const cells = [...allCells(), ...(renewed.includes(killer) ? renewals() : [])]
  // The others never meet the CA.
  return killer === 'pebble-lost' ? cells.filter(({ path }) => path === 'acme') : cells
}

/** Those that let a step happen twice, or late: what they would do to a Secret, they would do to a valid one. */
const renewed: readonly KillerName[] = ['worker-kill', 'zombie', 'api-kill', 'pebble-lost']

/** Each point of the table, before and after, in a first issuance; a new run begins with a renewal. */
export function allCells(paths: readonly Path[] = ['ca', 'selfSigned', 'acme']): Cell[] {
  const points = Object.keys(faultPoints) as FaultPoint[]
  return paths.flatMap((path) => cellsOf(path, points, false))
}

/** Renewals from the next key on: who asks for one sets Issuing himself, and the account is there. */
function renewals(): Cell[] {
  const all = Object.keys(faultPoints) as FaultPoint[]
  const points = all.slice(all.indexOf('key'), all.indexOf('done') + 1)
  return (['ca', 'acme'] as const).flatMap((path) => cellsOf(path, points, true))
}

function cellsOf(path: Path, points: readonly FaultPoint[], renewal: boolean): Cell[] {
  return points
    .filter((point) => (faultPoints[point] as readonly Path[]).includes(path))
    .flatMap((point) =>
      (['before', 'after'] as const).map((when) => (renewal ? renewalCell : cell)(path, point, when)),
    )
}

export function cell(path: Path, point: FaultPoint, when: When): Cell {
  const renewal = point === 'continue-as-new'
  return { path, point, when, renewal, name: `${path}-${point}-${when}`.toLowerCase() }
}

/** No name ends or begins with another one's: what belongs to a cell is told by that. */
export function renewalCell(path: Path, point: FaultPoint, when: When): Cell {
  return { path, point, when, renewal: true, name: `${path}-renewal-${point}-${when}`.toLowerCase() }
}
