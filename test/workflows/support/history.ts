import type { WorkflowHandle } from '@temporalio/client'
import { defaultPayloadConverter, type Payload } from '@temporalio/common'
import proto from '@temporalio/proto'

export type Event = proto.temporal.api.history.v1.IHistoryEvent
const types = proto.temporal.api.enums.v1.EventType

/** What happened in one run, in words: `timer "renew at …"`, `activity publish "…"`, `signal renew`. */
export async function eventsOf(handle: WorkflowHandle): Promise<Event[]> {
  return (await handle.fetchHistory()).events ?? []
}

export function named(events: readonly Event[], name: keyof typeof types): Event[] {
  return events.filter((event) => event.eventType === types[name])
}

/** Summaries of the timers that were started, in order. */
export function timersOf(events: readonly Event[]): string[] {
  return named(events, 'EVENT_TYPE_TIMER_STARTED').map(summaryOf)
}

/** Types of the activities that were scheduled (local ones are not among them), in order. */
export function activitiesOf(events: readonly Event[]): string[] {
  return named(events, 'EVENT_TYPE_ACTIVITY_TASK_SCHEDULED').map(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? '',
  )
}

export function summaryOf(event: Event): string {
  return read<string>(event.userMetadata?.summary) ?? ''
}

/** The seconds for which a timer was set. */
export function secondsOf(event: Event): number {
  const { seconds, nanos } = event.timerStartedEventAttributes?.startToFireTimeout ?? {}
  return Number(seconds ?? 0) + (nanos ?? 0) / 1e9
}

export function memoOf(event: Event | undefined): Record<string, unknown> {
  const fields = event?.workflowExecutionStartedEventAttributes?.memo?.fields ?? {}
  return Object.fromEntries(Object.entries(fields).map(([name, payload]) => [name, read(payload)]))
}

/** What a run was started with. */
export function inputOf<T>(event: Event | undefined): T {
  return read<T>(event?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]) as T
}

/** Why tasks of workflow code failed, apart from those that a message overtook: any is a defect. */
export function taskFailures(events: readonly Event[]): string[] {
  const overtaken =
    proto.temporal.api.enums.v1.WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND
  return named(events, 'EVENT_TYPE_WORKFLOW_TASK_FAILED')
    .map((event) => event.workflowTaskFailedEventAttributes)
    .filter((attributes) => attributes?.cause !== overtaken)
    .map((attributes) => attributes?.failure?.message ?? String(attributes?.cause))
}

function read<T>(payload: Payload | null | undefined): T | undefined {
  return payload ? defaultPayloadConverter.fromPayload<T>(payload) : undefined
}
