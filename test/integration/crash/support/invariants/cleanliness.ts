import type { AnyObject } from '../../../support/world.ts'
import type { CellObservation, Observation } from '../observation.ts'

/** I8 and I9: nothing is left that nobody will remove. */
export function cleanliness(cell: CellObservation, { killer }: Observation): string[] {
  const isLeft = killer === 'deleted' ? (object: AnyObject) => !isCollected(object) : () => true
  return [
    ...cell.temporarySecrets.filter(isLeft).map(({ metadata }) => `I8: Secret ${metadata.name} is left`),
    ...cell.challenges.filter(isLeft).map(({ metadata }) => `I8: Challenge ${metadata.name} is left`),
    ...cell.records.map((value) => `I8: the TXT value ${value} is left`),
    ...cell.children.map((pid) => `I9: the plugin process ${pid} still runs`),
  ]
}

/** Whether Kubernetes' garbage collector, which these servers do not run, takes it away with its owner. */
function isCollected({ metadata }: AnyObject): boolean {
  const { ownerReferences, finalizers } = metadata as { ownerReferences?: unknown[]; finalizers?: unknown[] }
  return (ownerReferences ?? []).length > 0 && (finalizers ?? []).length === 0
}
