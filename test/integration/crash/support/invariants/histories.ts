import type { CellObservation } from '../observation.ts'

const EVENTS = 120
const EVENTS_PER_NAME = 15
const PAYLOAD_BYTES = 8 * 1024

/** I14: no run outgrows its budget, whatever happened. */
export function histories(cell: CellObservation): string[] {
  const most = EVENTS + EVENTS_PER_NAME * cell.names.length
  return cell.runs.flatMap(({ runId, events, largestPayload }) => [
    ...(events > most ? [`I14: run ${runId} has ${events} events, ${most} allowed`] : []),
    ...(largestPayload > PAYLOAD_BYTES
      ? [`I14: run ${runId} carries a payload of ${largestPayload} bytes, ${PAYLOAD_BYTES} allowed`]
      : []),
  ])
}
