import type { RecordReference } from '../messages.ts'

/** A week: longer than any credential outage that somebody notices. */
export const MAX_CLEAN_UP_MS = 7 * 24 * 3_600_000

/**
 * How many quick tries fill a minute: the pauses between them grow from half a second to 20 s. They are counted, not
 * timed, because a time would also end a plugin that is slow and works.
 */
export const MINUTE_OF_TRIES = 8

/** How ids of clean-ups begin. */
export const CLEAN_UP_ID = 'clean-up/'

/** One clean-up per Challenge: its uid names certificate, revision and record at once, and is never used again. */
export function cleanUpWorkflowId(record: RecordReference): string {
  return `${CLEAN_UP_ID}${record.certificateUid}/${record.challenge.name}/${record.challenge.uid}`.slice(
    0,
    200,
  )
}
