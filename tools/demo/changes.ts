import type { Certificate } from '../../k8s-bridge/api/certificate.ts'
import type { Challenge } from '../../k8s-bridge/api/challenge.ts'
import type { Condition } from '../../k8s-bridge/api/conditions.ts'
import type { Order } from '../../k8s-bridge/api/order.ts'
import type { Step } from './steps.ts'

export type Change = Pick<Step, 'name' | 'text' | 'tone'>

/** What the demo reads of a core/v1 Event. */
export interface Event {
  readonly metadata: { readonly creationTimestamp?: string }
  readonly type?: string
  readonly reason?: string
  readonly message?: string
  readonly involvedObject: { readonly kind?: string; readonly name?: string }
}

/** Conditions of which a transition is worth a line, in the order in which they are told. */
const told = ['Issuing', 'Ready', 'Stalled']

export function certificateChanges(now: Certificate, before: Certificate | undefined): Change[] {
  const conditions = told.flatMap((type): Change[] => {
    const [is, was] = [conditionOf(now, type), conditionOf(before, type)]
    if (is?.status === was?.status && (is?.status !== 'True' || is.message === was?.message)) return []
    // That a finding is gone is told by what is true instead.
    if (is === undefined || (type !== 'Ready' && is.status !== 'True')) return []
    const reason = is.reason ? `, ${is.reason}` : ''
    const bad = type === 'Stalled'
    return [
      {
        name: 'Certificate',
        text: `${type} ${is.status}${reason}: ${is.message ?? ''}`,
        tone: bad ? 'failure' : 'note',
      },
    ]
  })
  const { revision, notAfter } = now.status ?? {}
  if (!revision || revision === before?.status?.revision) return conditions
  return [
    ...conditions,
    { name: 'Certificate', text: `revision ${revision} is in use, valid until ${notAfter}`, tone: 'note' },
  ]
}

export function conditionOf(
  object: { status?: { conditions?: Condition[] } } | undefined,
  type: string,
): Condition | undefined {
  return object?.status?.conditions?.find((condition) => condition.type === type)
}

export function orderChanges({ status }: Order, before: Order | undefined): Change[] {
  const state = status?.state
  if (!state || state === before?.status?.state) return []
  return [{ name: 'Order', text: withReason(state, status?.reason), tone: toneOf(state) }]
}

export function challengeChanges({ spec, status }: Challenge, before: Challenge | undefined): Change[] {
  const name = spec.wildcard ? `*.${spec.dnsName}` : spec.dnsName
  const changes: Change[] = []
  if (status?.presented && !before?.status?.presented)
    changes.push({ name: 'Challenge', text: `${name}: presented`, tone: 'note' })
  const state = status?.state
  if (state && state !== before?.status?.state)
    changes.push({
      name: 'Challenge',
      text: `${name}: ${withReason(state, status?.reason)}`,
      tone: toneOf(state),
    })
  return changes
}

/** Events of an earlier start, which the first list brings, are old. */
export function eventChanges(event: Event, before: Event | undefined): Change[] {
  const age = Date.now() - Date.parse(event.metadata.creationTimestamp ?? '')
  if (before !== undefined || age > 10_000) return []
  const { involvedObject, type, reason, message } = event
  const text = `${involvedObject.kind}: ${reason}: ${message}`
  return [{ name: 'event', text, tone: type === 'Warning' ? 'failure' : 'detail' }]
}

function withReason(state: string, reason: string | undefined): string {
  return reason ? `${state}: ${reason}` : state
}

function toneOf(state: string): Change['tone'] {
  return state === 'invalid' || state === 'errored' || state === 'expired' ? 'failure' : 'note'
}
