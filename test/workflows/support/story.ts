import { defaultPayloadConverter } from '@temporalio/common'
import type { Event } from './history.ts'

/** What a person reads in the history of a run: messages, steps with their summaries, what failed, timers, the end. */
export function storyOf(events: readonly Event[]): string {
  return events.flatMap(lineOf).join('\n')
}

function lineOf(event: Event): string[] {
  const payload = event.userMetadata?.summary
  const summary = payload == null ? '' : defaultPayloadConverter.fromPayload<string>(payload)
  const signal = event.workflowExecutionSignaledEventAttributes?.signalName
  if (signal != null) return [`signal: ${signal}`]
  const activity = event.activityTaskScheduledEventAttributes?.activityType?.name
  if (activity != null) return [`${activity}: ${summary}`]
  const failed = event.activityTaskFailedEventAttributes?.failure?.message
  if (failed != null) return [`  failed: ${failed}`]
  if (event.timerStartedEventAttributes != null) return [`timer: ${summary}`]
  const child = event.startChildWorkflowExecutionInitiatedEventAttributes
  if (child != null) return [`hands over to ${child.workflowId}`]
  return endOf(event)
}

function endOf(event: Event): string[] {
  if (event.workflowExecutionCancelRequestedEventAttributes != null) return ['cancel asked for']
  if (event.workflowExecutionContinuedAsNewEventAttributes != null) return ['goes on in a new run']
  if (event.workflowExecutionCompletedEventAttributes != null) return ['completed']
  const terminated = event.workflowExecutionTerminatedEventAttributes
  if (terminated != null) return [`terminated: ${terminated.reason}`]
  const failed = event.workflowExecutionFailedEventAttributes
  return failed == null ? [] : [`failed: ${failed.failure?.message}`]
}
