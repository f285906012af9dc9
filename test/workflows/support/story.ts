import { defaultPayloadConverter } from '@temporalio/common'
import type { Event } from './history.ts'

/** What a person reads in the history of a run: its steps with their summaries, and its timers. */
export function storyOf(events: readonly Event[]): string {
  const lines = events.flatMap((event) => {
    const payload = event.userMetadata?.summary
    const summary = payload == null ? '' : defaultPayloadConverter.fromPayload<string>(payload)
    const activity = event.activityTaskScheduledEventAttributes?.activityType?.name
    if (activity != null) return [`${activity}: ${summary}`]
    return event.timerStartedEventAttributes == null ? [] : [`timer: ${summary}`]
  })
  return lines.join('\n')
}
