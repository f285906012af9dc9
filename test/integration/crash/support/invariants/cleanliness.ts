import type { CellObservation, Observation } from '../observation.ts'

/** Two workers that did the same: what was under way in one of them when it was looked at. */
const SLACK = 2

/** I8 and I9: nothing is left, and nothing of others was touched. */
export function cleanliness(cell: CellObservation, { zoneChanges, pipes }: Observation): string[] {
  return [
    ...cell.temporarySecrets.map(({ metadata }) => `I8: Secret ${metadata.name} is left`),
    ...cell.challenges.map(({ metadata }) => `I8: Challenge ${metadata.name} is left`),
    ...cell.records.map((value) => `I8: the TXT value ${value} is left`),
    ...zoneChanges.map((change) => `I8: the zone is not as it was, ${change}`),
    ...cell.openWorkflows.map((id) => `I8: the workflow ${id} is left`),
    ...cell.children.map((pid) => `I9: the plugin process ${pid} still runs`),
    ...(pipes.now > pipes.before + SLACK
      ? [
          `I9: the worker has ${pipes.now} pipes open, ${pipes.before} after an issuance that nobody disturbed`,
        ]
      : []),
  ]
}
