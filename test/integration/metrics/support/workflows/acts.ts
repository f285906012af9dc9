import { scheduleActivity } from '@temporalio/workflow'

/** Begins with a step where the histories have a timer: code that was changed without a patch. */
export async function certificate(): Promise<void> {
  await scheduleActivity('look', [], { startToCloseTimeout: '1 minute' })
}
