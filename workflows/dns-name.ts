import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  getExternalWorkflowHandle,
  log,
  makeContinueAsNewFunc,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow'
import { blockedDelay } from './domain/blocked-delay.ts'
import { awaitedOf } from './domain/describe-stall.ts'
import { parseRequestId } from './domain/doorbell-messages.ts'
import {
  acquire,
  emptyQueue,
  isIdle,
  release,
  requestProblem,
  seed,
  type LockClaim,
  type LockEntry,
  type LockQueue,
} from './domain/lock-queue.ts'
import { acquireUpdate, grantedSignal, releaseSignal, type DnsNameInput } from './messages.ts'
import { failureOf, step } from './stages/steps.ts'

/** How often the holder is looked at while somebody waits, in milliseconds. */
const INSPECT_MS = 10_000
/**
 * How soon while nobody waits, and then ever more seldom, in milliseconds. A step of a worker that stood still may ask
 * for the name when all is over, and is not there any more to give it back.
 */
const ALONE_MS = [60_000, 300_000, 1_800_000]
const ALONE_LATER_MS = 6 * 3_600_000
const LONG_RUN_EVENTS = 2_000

/**
 * Exclusive use of one challenge name, for providers that hold one value or delete by name. First come, first served.
 * The promise: between a value's CREATE and its DELETE the provider sees no call with another value of that name.
 *
 * A lock that starts without memory first asks the cluster who may hold the name, because a record that stands in DNS
 * outlives a terminated workflow. A holder that is gone is found by looking, never by a clock alone.
 */
export async function dnsName(input: DnsNameInput): Promise<void> {
  const { fqdn } = input
  let queue = (input.queue as LockQueue | undefined) ?? emptyQueue()
  let seeded = input.queue !== undefined
  let toTell: LockEntry | undefined
  let finding = ''
  /** Whose record an inspection may be removing: until it ends, nothing is said to or heard from that one. */
  let inspected: string | undefined
  let inspectAt: number | undefined
  let looks = 0
  const now = () => new Date().toISOString()
  const change = (next: { queue: LockQueue; granted?: LockEntry }) => {
    queue = next.queue
    toTell = next.granted ?? toTell
  }

  setHandler(
    releaseSignal,
    async (message: unknown) => {
      const requestId = parseRequestId(message)
      if (requestId === undefined) return
      await condition(() => seeded && inspected !== requestId)
      change(release(queue, requestId, now()))
    },
    { description: 'Give the name back.' },
  )
  setHandler(
    acquireUpdate,
    async ({ v: _v, ...message }) => {
      await condition(() => seeded && inspected !== message.requestId)
      const { answer, ...next } = acquire(queue, { ...message, at: now() })
      // Whoever asks hears it from the answer; only one that waited is told by signal.
      queue = next.queue
      if (next.granted !== undefined && next.granted.requestId !== message.requestId) toTell = next.granted
      return answer === 'granted'
        ? { granted: true, position: 0 }
        : { granted: false, position: answer.position, holder: answer.holder.workflowId }
    },
    {
      description: 'Ask for the name; answers at once whether it is granted.',
      validator: (message: unknown) => {
        const problem = requestProblem(message)
        if (problem !== undefined) throw ApplicationFailure.nonRetryable(problem, 'Refused')
      },
    },
  )

  if (!seeded) {
    change(seed(queue, await claims(input)))
    seeded = true
  }
  for (;;) {
    setCurrentDetails(describe(fqdn, queue, finding))
    const seen = standing(queue)
    const changed = () => toTell !== undefined || standing(queue) !== seen
    // Those who wait ask again and again, and that must not put the look off.
    if (!isIdle(queue)) {
      const soon = queue.waiting.length > 0 ? INSPECT_MS : (ALONE_MS[looks] ?? ALONE_LATER_MS)
      inspectAt = Math.min(inspectAt ?? Number.POSITIVE_INFINITY, Date.now() + soon)
      const left = Math.max(inspectAt - Date.now(), 1)
      const inTime = await condition(changed, left, { summary: `look at the holder of ${fqdn}` })
      if (!inTime && queue.holder !== undefined) await inspect(queue.holder)
    }
    const granted = toTell
    toTell = undefined
    // One that cannot be told is gone: who comes after it need not wait for that.
    if (
      granted !== undefined &&
      !(await tell(granted, fqdn)) &&
      queue.holder?.requestId === granted.requestId
    ) {
      await inspect(queue.holder)
    }
    if (holderOf(seen) !== queue.holder?.requestId) {
      inspectAt = undefined
      looks = 0
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
    const { requestId, workflowId, challenge, taskQueue } = holder
    inspectAt = undefined
    looks += 1
    inspected = requestId
    try {
      const state = await step(
        'inspectHolder',
        { requestId, workflowId, challenge, taskQueue, fqdn },
        { summary: `is the holder of ${fqdn} still there`, taskQueue },
      )
      finding = ''
      if (state === 'gone' && queue.holder?.requestId === requestId) change(release(queue, requestId, now()))
    } catch (error) {
      const failure = failureOf(error)
      if (failure === undefined) throw error
      // What the holder left cannot be removed: the name stays his, and the next look tries again.
      finding = failure.message
    } finally {
      inspected = undefined
    }
  }
}

/** Who may hold the name. Nobody is served before that is known. */
async function claims(input: DnsNameInput): Promise<LockClaim[]> {
  for (let looks = 1; ; looks++) {
    try {
      return await step('findClaims', input, { summary: `who may hold ${input.fqdn}` })
    } catch (error) {
      const failure = failureOf(error)
      if (failure === undefined) throw error
      setCurrentDetails(`Who may hold **${input.fqdn}** cannot be found out yet: ${failure.message}`)
      await sleep(blockedDelay(looks), { summary: `look again: ${awaitedOf(failure)}` })
    }
  }
}

async function tell(granted: LockEntry, fqdn: string): Promise<boolean> {
  try {
    const message = { v: 1 as const, requestId: granted.requestId, fqdn }
    await getExternalWorkflowHandle(granted.workflowId).signal(grantedSignal, message)
    return true
  } catch (error) {
    log.info('the next holder could not be told', { workflowId: granted.workflowId, error: String(error) })
    return false
  }
}

/** Who holds and who waits, to compare. */
function standing({ holder, waiting }: LockQueue): string {
  return [holder, ...waiting].map((entry) => entry?.requestId ?? '').join(' ')
}

function holderOf(shown: string): string | undefined {
  const [holder] = shown.split(' ')
  return holder === '' ? undefined : holder
}

function describe(fqdn: string, queue: LockQueue, finding: string): string {
  const waiting = queue.waiting.map((one) => `\n- ${one.workflowId}`).join('')
  const trouble = finding === '' ? '' : `\n\nThe record of the holder cannot be removed yet: ${finding}`
  return `**${fqdn}** is held by ${queue.holder?.workflowId ?? 'nobody'}.${trouble}${waiting === '' ? '' : `\n\nWaiting:${waiting}`}`
}
