import {
  allHandlersFinished,
  condition,
  getExternalWorkflowHandle,
  log,
  makeContinueAsNewFunc,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import { acquire, emptyQueue, isIdle, release, seed, type LockEntry, type LockQueue } from './domain/lock-queue.ts'
import { acquireUpdate, grantedSignal, releaseSignal, type DnsNameInput } from './messages.ts'
import { step } from './stages/steps.ts'

/** How often the holder is looked at while somebody waits, in milliseconds. */
const INSPECT_MS = 10_000
const LONG_RUN_EVENTS = 2_000

/**
 * Exclusive use of one challenge name, for providers that hold one value or delete by name. First come, first served.
 * The promise: between a value's CREATE and its DELETE the provider sees no call with another value of that name.
 *
 * A lock that starts without memory first asks the cluster who may hold the name, because a record that stands in DNS
 * outlives a terminated workflow. A holder that is gone is found by looking, never by a clock alone.
 */
export async function dnsName(input: DnsNameInput): Promise<void> {
  let queue = (input.queue as LockQueue | undefined) ?? emptyQueue()
  let seeded = input.queue !== undefined
  let toTell: LockEntry | undefined
  const now = () => new Date().toISOString()
  const change = (next: { queue: LockQueue; granted?: LockEntry }) => {
    queue = next.queue
    toTell = next.granted ?? toTell
  }

  setHandler(releaseSignal, (message) => change(release(queue, message.requestId, now())), {
    description: 'Give the name back.',
  })
  setHandler(
    acquireUpdate,
    async ({ v: _v, ...message }) => {
      await condition(() => seeded)
      const { answer, ...next } = acquire(queue, { ...message, at: now() })
      // Whoever asks hears it from the answer; only one that waited is told by signal.
      queue = next.queue
      if (next.granted !== undefined && next.granted.requestId !== message.requestId) toTell = next.granted
      return answer === 'granted'
        ? { granted: true, position: 0 }
        : { granted: false, position: answer.position, holder: answer.holder.workflowId }
    },
    { description: 'Ask for the name; answers at once whether it is granted.' },
  )

  if (!seeded) {
    change(seed(queue, await step('findClaims', input, { summary: `${input.fqdn}: who may hold it` })))
    seeded = true
  }
  for (;;) {
    setCurrentDetails(describe(input.fqdn, queue))
    const seen = queue
    const waiting = queue.waiting.length > 0
    const changed = () => toTell !== undefined || queue !== seen
    // With somebody waiting the holder is looked at now and then; without, nothing costs anything.
    if (waiting) {
      const inTime = await condition(changed, INSPECT_MS, { summary: `look at the holder of ${input.fqdn}` })
      if (!inTime && queue.holder !== undefined) await inspect(queue.holder)
    } else if (!isIdle(queue)) {
      await condition(changed)
    }
    if (toTell !== undefined) {
      const granted = toTell
      toTell = undefined
      await tell(granted, input.fqdn)
    }
    if (isIdle(queue) || workflowInfo().historyLength > LONG_RUN_EVENTS) {
      await condition(allHandlersFinished)
      if (isIdle(queue)) return
      if (toTell === undefined && workflowInfo().historyLength > LONG_RUN_EVENTS) {
        await makeContinueAsNewFunc<typeof dnsName>()({ ...input, queue })
      }
    }
  }

  async function inspect(holder: LockEntry): Promise<void> {
    const { requestId, workflowId, challenge } = holder
    const state = await step(
      'inspectHolder',
      { requestId, workflowId, challenge, fqdn: input.fqdn },
      { summary: `${input.fqdn}: is its holder still there` },
    )
    if (state === 'gone' && queue.holder?.requestId === requestId) change(release(queue, requestId, now()))
  }
}

async function tell(granted: LockEntry, fqdn: string): Promise<void> {
  try {
    const message = { v: 1 as const, requestId: granted.requestId, fqdn }
    await getExternalWorkflowHandle(granted.workflowId).signal(grantedSignal, message)
  } catch (error) {
    // The waiter is gone; the look at the holder will find that and serve the next one.
    log.info('the next holder could not be told', { workflowId: granted.workflowId, error: String(error) })
  }
}

function describe(fqdn: string, queue: LockQueue): string {
  const waiting = queue.waiting.map((one) => `\n- ${one.workflowId}`).join('')
  return `**${fqdn}** is held by ${queue.holder?.workflowId ?? 'nobody'}.${waiting === '' ? '' : `\n\nWaiting:${waiting}`}`
}
