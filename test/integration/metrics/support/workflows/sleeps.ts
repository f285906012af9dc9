import { sleep } from '@temporalio/workflow'

/** Waits by a timer, until other code takes over. */
export async function certificate(): Promise<void> {
  await sleep('10 minutes')
}
