import { timeOf } from './time-text.ts'

/**
 * Who may write to a challenge name, one at a time. Pure data: the state lives in the workflow of the lock, and every
 * function answers with the next state. After a loss of that workflow the state is seeded from a scan for records
 * that may still stand: their makers are suspects and come before everybody else. Seed before the first acquire.
 *
 * - `granted`: the holder, asked and answered;
 * - `suspect`: may hold, has not said; as the holder it is presumed and gives way to one that says that it holds;
 * - `holding`: says that it holds, and waits for another holder;
 * - `cleared`: was a suspect and holds nothing;
 * - `waiting`: has asked, first come first served.
 */
export type Standing = 'granted' | 'holding' | 'suspect' | 'cleared' | 'waiting'

export interface LockClaim {
  /** Names one use of the lock; a second message with the same id is the same use. */
  requestId: string
  /** The workflow that is told. */
  workflowId: string
  /** The Challenge that it is for, where one looks whether the use is over. */
  challenge: { namespace: string; name: string; uid: string }
  /** The task queue whose workers can look at that Challenge: those of its cluster. */
  taskQueue: string
  /** RFC 3339: for a suspect when its claim was written, for a holder since when it holds, else when it asked. */
  since: string
}

export interface LockEntry extends LockClaim {
  standing: Standing
  /** Order of arrival. */
  ticket: number
}

export interface LockQueue {
  holder?: LockEntry
  /** In the order in which they are served. */
  waiting: LockEntry[]
  counter: number
}

export interface LockRequest extends Omit<LockClaim, 'since'> {
  /** RFC 3339. */
  at: string
  /** True if a record of this use may exist already: a retry after the loss of a worker or of the lock. */
  holding: boolean
}

/** What is wrong with a message that asks for the lock; undefined for one that can be answered. */
export function requestProblem(message: unknown): string | undefined {
  const fields = (value: unknown): Record<string, unknown> => (isRecord(value) ? value : {})
  const { requestId, workflowId, taskQueue, challenge } = fields(message)
  const { namespace, name, uid } = fields(challenge)
  const texts = {
    requestId,
    workflowId,
    taskQueue,
    'challenge.namespace': namespace,
    'challenge.name': name,
    'challenge.uid': uid,
  }
  for (const [field, text] of Object.entries(texts)) {
    if (typeof text !== 'string' || text === '') return `${field}: must be a text`
  }
  return undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

export interface LockChange {
  queue: LockQueue
  /** The entry that this change granted the lock: to be told, whoever caused the change. */
  granted?: LockEntry
}

/** `position` counts from 1, the next to be served. */
export type LockAnswer = 'granted' | { position: number; holder: LockEntry }

export function emptyQueue(): LockQueue {
  return { waiting: [], counter: 0 }
}

/** True where nobody holds or waits: the workflow of the lock may end. */
export function isIdle({ holder, waiting }: LockQueue): boolean {
  return holder === undefined && waiting.length === 0
}

/** Adds those that may hold, the earliest claim first; ids that are known stay who they are. */
export function seed(queue: LockQueue, suspects: readonly LockClaim[]): LockChange {
  let next = queue
  for (const suspect of suspects) {
    const known = find(next, suspect.requestId)
    if (known === undefined) next = enqueue(next, { ...suspect, standing: 'suspect' })
    // It asked before the scan ended, so it has said already whether it holds.
    else if (known.standing === 'waiting')
      next = enqueue(without(next, known), { ...known, standing: 'cleared' })
  }
  return settle(next)
}

/** Asks for the lock. Asking again keeps the place and changes only who is told. */
export function acquire(queue: LockQueue, request: LockRequest): LockChange & { answer: LockAnswer } {
  const change = settle(enter(queue, request), request.at)
  const { holder, waiting } = change.queue
  const index = waiting.findIndex(({ requestId }) => requestId === request.requestId)
  const answer = holder === undefined || index < 0 ? 'granted' : { position: index + 1, holder }
  return { ...change, answer }
}

/** Gives the lock back, or leaves the queue. An id that is not known changes nothing. */
export function release(queue: LockQueue, requestId: string, at: string): LockChange {
  const known = find(queue, requestId)
  return known === undefined ? { queue } : settle(without(queue, known), at)
}

function enter(queue: LockQueue, { at, holding, ...request }: LockRequest): LockQueue {
  const known = find(queue, request.requestId)
  if (known === undefined) {
    return enqueue(queue, { ...request, since: at, standing: holding ? 'holding' : 'waiting' })
  }
  // Who asks last is the one to tell and to look at: a clean-up goes on for a certificate that is gone.
  const renewed = { ...known, workflowId: request.workflowId }
  if (known.standing !== 'suspect') return replace(queue, renewed)
  return enqueue(without(queue, known), { ...renewed, standing: holding ? 'holding' : 'cleared' })
}

/** Brings the queue in order and serves the next, if the lock is free or its holder only presumed. */
function settle({ holder, waiting, counter }: LockQueue, at?: string): LockChange {
  const line = [...waiting].sort(byTurn)
  const first = line[0]
  const free = holder === undefined || (holder.standing === 'suspect' && first?.standing === 'holding')
  if (first === undefined || !free) return { queue: { ...(holder && { holder }), waiting: line, counter } }
  const next = served(first, at)
  const rest = line.slice(1)
  const queue = { holder: next, waiting: holder ? [holder, ...rest].sort(byTurn) : rest, counter }
  return next.standing === 'granted' ? { queue, granted: next } : { queue }
}

/** A suspect is presumed to hold, and is neither granted nor told anything until it asks. */
function served(entry: LockEntry, at: string | undefined): LockEntry {
  if (entry.standing === 'suspect') return entry
  const since = entry.standing === 'holding' ? entry.since : (at ?? entry.since)
  return { ...entry, since, standing: 'granted' }
}

const turns: Readonly<Record<Standing, number>> = {
  granted: 0,
  holding: 1,
  suspect: 2,
  cleared: 3,
  waiting: 4,
}

function byTurn(left: LockEntry, right: LockEntry): number {
  const turn = turns[left.standing] - turns[right.standing]
  const claims = left.standing === 'holding' || left.standing === 'suspect'
  return turn || (claims ? timeOf(left.since) - timeOf(right.since) : 0) || left.ticket - right.ticket
}

function enqueue({ counter, waiting, ...state }: LockQueue, entry: Omit<LockEntry, 'ticket'>): LockQueue {
  return { ...state, waiting: [...waiting, { ...entry, ticket: counter }], counter: counter + 1 }
}

function find({ holder, waiting }: LockQueue, requestId: string): LockEntry | undefined {
  return [...(holder ? [holder] : []), ...waiting].find((entry) => entry.requestId === requestId)
}

function without({ holder, waiting, counter }: LockQueue, { requestId }: LockEntry): LockQueue {
  return {
    ...(holder && holder.requestId !== requestId && { holder }),
    waiting: waiting.filter((entry) => entry.requestId !== requestId),
    counter,
  }
}

function replace({ holder, waiting, counter }: LockQueue, entry: LockEntry): LockQueue {
  const swap = (known: LockEntry) => (known.requestId === entry.requestId ? entry : known)
  return { ...(holder && { holder: swap(holder) }), waiting: waiting.map(swap), counter }
}
