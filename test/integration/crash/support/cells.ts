import { faultPoints, type FaultPoint, type Path, type When } from './fault-points.ts'

/** One Certificate that is stopped at one point of its issuance when a killer strikes. */
export interface Cell {
  readonly path: Path
  readonly point: FaultPoint
  readonly when: When
  /** Of the Certificate. */
  readonly name: string
}

/** Whether the cell's point lies in a renewal, after a first issuance that nobody disturbed. */
export function isRenewal({ point }: Pick<Cell, 'point'>): boolean {
  return point === 'continue-as-new'
}

/** `acme new-order after` */
export function describeCell({ path, point, when }: Pick<Cell, 'path' | 'point' | 'when'>): string {
  return `${path} ${point} ${when}`
}

/** All cells of some paths: each point of the table, before and after. */
export function allCells(paths: readonly Path[] = ['ca', 'selfSigned', 'acme']): Cell[] {
  return paths.flatMap((path) =>
    (Object.keys(faultPoints) as FaultPoint[])
      .filter((point) => (faultPoints[point] as readonly Path[]).includes(path))
      .flatMap((point) => (['before', 'after'] as const).map((when) => cell(path, point, when))),
  )
}

export function cell(path: Path, point: FaultPoint, when: When): Cell {
  return { path, point, when, name: `${path}-${point}-${when}`.toLowerCase() }
}
