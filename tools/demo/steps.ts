import { defaultPayloadConverter } from '@temporalio/common'
import { optionalTsToMs } from '@temporalio/common/lib/time.js'
import type { temporal } from '@temporalio/proto'
import type { HistoryEvent } from './history.ts'

/** One line of the timeline. */
export interface Step {
  /** When it began, milliseconds since 1970. */
  readonly at: number
  readonly name: string
  readonly text: string
  /** How long it took, in milliseconds; absent for what has no duration. */
  readonly ms?: number
  readonly tone: 'step' | 'failure' | 'note' | 'detail'
}

interface Pending {
  readonly at: number
  readonly name: string
  readonly text: string
  tries: number
}

type Payload = temporal.api.common.v1.IPayload
type Failure = temporal.api.failure.v1.IFailure

/**
 * Turns the history of one workflow into what a person wants to read: a step per activity, once it is over, with the
 * summary that the workflow gave it; signals and timers as notes.
 */
export class StepReader {
  readonly #activities = new Map<string, Pending>()
  readonly #timers = new Map<string, Pending>()
  #runs = 0
  #lastFailure = ''

  /** Activities that have begun and are not over, oldest first. */
  get running(): readonly Pending[] {
    return [...this.#activities.values()]
  }

  /** What the timers that run now wait for. */
  get waiting(): readonly string[] {
    return [...this.#timers.values()].map(({ text }) => text)
  }

  read(event: HistoryEvent): Step | undefined {
    const at = optionalTsToMs(event.eventTime) ?? 0
    const id = String(event.eventId)
    const summary = textOf(event.userMetadata?.summary)
    if (event.workflowExecutionStartedEventAttributes) return this.#runStarted(at, summary)
    if (event.activityTaskScheduledEventAttributes) {
      const name = event.activityTaskScheduledEventAttributes.activityType?.name ?? ''
      this.#activities.set(id, { at, name, text: summary, tries: 1 })
      return undefined
    }
    if (event.activityTaskStartedEventAttributes) {
      const { scheduledEventId, attempt } = event.activityTaskStartedEventAttributes
      const started = this.#activities.get(String(scheduledEventId))
      if (started) started.tries = attempt ?? 1
      return undefined
    }
    return this.#readEnd(event, at) ?? this.#readTimer(event, at, id, summary) ?? readMessage(event, at)
  }

  #runStarted(at: number, summary: string): Step {
    this.#activities.clear()
    this.#timers.clear()
    const first = this.#runs++ === 0
    return { at, name: 'workflow', text: first ? `started: ${summary}` : 'next run', tone: 'note' }
  }

  #readEnd(event: HistoryEvent, at: number): Step | undefined {
    const failed = event.activityTaskFailedEventAttributes ?? event.activityTaskTimedOutEventAttributes
    const ended =
      failed ?? event.activityTaskCompletedEventAttributes ?? event.activityTaskCanceledEventAttributes
    if (!ended) return undefined
    const id = String(ended.scheduledEventId)
    const activity = this.#activities.get(id)
    if (activity === undefined) return undefined
    this.#activities.delete(id)
    const tries = activity.tries > 1 ? `, ${activity.tries} tries` : ''
    const why = failed ? this.#why(failed.failure) : ''
    return {
      at: activity.at,
      name: activity.name,
      text: activity.text + tries + why,
      ms: at - activity.at,
      tone: failed ? 'failure' : 'step',
    }
  }

  /** The same reason again is not told at length. */
  #why(failure: Failure | null | undefined): string {
    const reason = describeFailure(failure)
    const again = reason === this.#lastFailure
    this.#lastFailure = reason
    return again
      ? ` failed again: ${failure?.applicationFailureInfo?.type ?? 'same reason'}`
      : ` failed: ${reason}`
  }

  #readTimer(event: HistoryEvent, at: number, id: string, summary: string): Step | undefined {
    if (event.timerStartedEventAttributes) {
      this.#timers.set(id, { at, name: 'timer', text: summary, tries: 1 })
      // The renewal is how the story of a certificate ends; other timers are waits within it.
      return { at, name: 'timer', text: summary, tone: summary.startsWith('renew at') ? 'note' : 'detail' }
    }
    const over = event.timerFiredEventAttributes ?? event.timerCanceledEventAttributes
    if (!over) return undefined
    this.#timers.delete(String(over.startedEventId))
    return undefined
  }
}

function readMessage(event: HistoryEvent, at: number): Step | undefined {
  const signal = event.workflowExecutionSignaledEventAttributes?.signalName
  if (signal === undefined || signal === null) {
    if (event.workflowTaskFailedEventAttributes)
      return {
        at,
        name: 'workflow',
        text: `task failed: ${describeFailure(event.workflowTaskFailedEventAttributes.failure)}`,
        tone: 'failure',
      }
    return undefined
  }
  // Doorbells of the bridge and grants of locks are many; what a person sent is a turning point.
  const ours = ['changed', 'deleted', 'granted'].includes(signal)
  return { at, name: 'signal', text: signal, tone: ours ? 'detail' : 'note' }
}

function describeFailure(failure: Failure | null | undefined): string {
  const type = failure?.applicationFailureInfo?.type
  const message = failure?.message ?? 'no reason given'
  return type ? `${type}: ${message}` : message
}

function textOf(payload: Payload | null | undefined): string {
  if (!payload) return ''
  const value = defaultPayloadConverter.fromPayload<unknown>(payload)
  return typeof value === 'string' ? value : JSON.stringify(value)
}
