import type { Kubernetes } from '../../activities/clients/kubernetes.ts'
import type { Condition } from '../../k8s-bridge/api/conditions.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import type { Controller } from '../certloom/controller.ts'
import type { Display } from './display.ts'

interface ListedEvent {
  readonly metadata: { readonly name: string; readonly creationTimestamp?: string }
  readonly type?: string
  readonly reason?: string
  readonly message?: string
  readonly involvedObject: { readonly kind?: string; readonly name?: string }
}

const LAST_EVENTS = 10

/** Everything that helps to see why something did not become ready: conditions, last events, the log's end. */
export async function printTrouble(
  display: Display,
  kubernetes: Kubernetes,
  subject: { readonly what: string; readonly conditions: readonly Condition[]; readonly namespace: string },
  controller: Controller,
): Promise<void> {
  const heading = (text: string) => display.print(`\n${display.style('bold', text)}`)
  heading(`Conditions of ${subject.what}`)
  if (subject.conditions.length === 0) display.print('  none: nobody has looked at it yet')
  for (const { type, status, reason, message } of subject.conditions) {
    const line = `  ${type} ${status}, ${reason ?? ''}: ${message ?? ''}`
    display.print(type === 'Stalled' ? display.style('red', line) : line)
  }
  heading(`Last events in namespace ${subject.namespace}`)
  const { items } = await kubernetes.list<ListedEvent>(apiPath('Event', subject.namespace))
  // Names of our events rise with time, also within one second.
  const order = (event: ListedEvent) => `${event.metadata.creationTimestamp} ${event.metadata.name}`
  const sorted = items.sort((a, b) => (order(a) < order(b) ? -1 : 1)).slice(-LAST_EVENTS)
  if (sorted.length === 0) display.print('  none')
  for (const { type, involvedObject, reason, message } of sorted)
    display.print(`  ${type} ${involvedObject.kind}/${involvedObject.name} ${reason}: ${message}`)
  heading(`End of the controller's log, ${controller.logPath}`)
  for (const line of (await controller.tail()).split('\n')) display.print(`  ${line}`)
}
