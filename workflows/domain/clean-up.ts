import type { RecordReference } from '../messages.ts'

/** A week: longer than any credential outage that somebody notices. */
export const MAX_CLEAN_UP_MS = 7 * 24 * 3_600_000

/** How ids of clean-ups begin. */
export const CLEAN_UP_ID = 'clean-up/'

/** One clean-up per Challenge: its uid names certificate, revision and record at once, and is never used again. */
export function cleanUpWorkflowId(record: RecordReference): string {
  return `${CLEAN_UP_ID}${record.certificateUid}/${record.challenge.name}/${record.challenge.uid}`.slice(
    0,
    200,
  )
}
