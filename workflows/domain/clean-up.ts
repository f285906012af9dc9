import type { RecordReference } from '../messages.ts'

/** A week: longer than any credential outage that somebody notices. */
export const MAX_CLEAN_UP_MS = 7 * 24 * 3_600_000

/** One clean-up per Challenge: its uid names certificate, revision and record at once, and is never used again. */
export function cleanUpWorkflowId(record: RecordReference): string {
  return `clean-up/${record.certificateUid}/${record.challenge.name}/${record.challenge.uid}`.slice(0, 200)
}
