import { apiPath, apiVersionOf, type Kind } from '../k8s-bridge/api/kinds.ts'
import type { ObjectMetadata } from '../k8s-bridge/api/metadata.ts'
import { isStatus, type Kubernetes } from './clients/kubernetes.ts'
import type { Logger } from './deps.ts'
import { sha256Hex } from './hash.ts'

/** Longest message that the API server keeps. */
const MAX_MESSAGE = 1024

export interface EventSubject {
  kind: Kind
  metadata: ObjectMetadata
}

/** What begins: where one step tells several things of an object, these come first, in this order. */
const FIRST = [
  ['Issuing', 'Started', 'cert-manager.io'],
  ['Generated', 'Reused'],
]
/** A name is 1,000,000 times the milliseconds, so much for each place in the order of one step. */
const NAMES_PER_PLACE = 300_000

/**
 * The events of one run of one activity, written beside the step. Their names derive from the step and from what they
 * say, so that a second run of it finds those written that the first one wrote (409), and no others. People see events
 * of one second sorted by name, so names rise: by the time of the step, and in it from what begins to what ends.
 */
export class Events {
  readonly #kubernetes: Kubernetes
  readonly #log: Logger
  readonly #base: number
  readonly #step: string
  readonly #source: string
  readonly #pending: Promise<void>[] = []

  /**
   * @param startedAt when the step was first scheduled, milliseconds; the same for every try of it
   * @param step its activity id: several steps may be scheduled in one millisecond
   */
  constructor(kubernetes: Kubernetes, log: Logger, source: string, startedAt: number, step: string) {
    this.#kubernetes = kubernetes
    this.#log = log
    this.#source = source
    this.#base = startedAt
    this.#step = step
  }

  normal(subject: EventSubject, reason: string, message: string): void {
    this.#write('Normal', subject, reason, message)
  }

  warning(subject: EventSubject, reason: string, message: string): void {
    this.#write('Warning', subject, reason, message)
  }

  /** Waits until all are written. An event that cannot be written never fails the step that it tells of. */
  async written(): Promise<void> {
    await Promise.all(this.#pending)
  }

  /** The low digits of a name: the place in the order of the step, then what tells this event from any other. */
  #place(...says: [kind: Kind, reason: string, message: string]): number {
    const [, reason] = says
    const index = FIRST.findIndex((reasons) => reasons.includes(reason))
    const place = index === -1 ? FIRST.length : index
    const hash = parseInt(sha256Hex(JSON.stringify([this.#step, ...says])).slice(0, 12), 16)
    return place * NAMES_PER_PLACE + (hash % NAMES_PER_PLACE)
  }

  #write(type: 'Normal' | 'Warning', subject: EventSubject, reason: string, message: string): void {
    const { name, namespace = 'default', uid, resourceVersion } = subject.metadata
    const stamp = BigInt(this.#base) * 1_000_000n + BigInt(this.#place(subject.kind, reason, message))
    const now = new Date(this.#base).toISOString().replace(/\.\d+Z$/, 'Z')
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name.slice(0, 230)}.${stamp.toString(16)}`, namespace },
      involvedObject: {
        apiVersion: apiVersionOf(subject.kind),
        kind: subject.kind,
        name,
        namespace: subject.metadata.namespace,
        uid,
        resourceVersion,
      },
      type,
      reason,
      message: message.slice(0, MAX_MESSAGE),
      source: { component: this.#source },
      reportingComponent: this.#source,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    }
    const write = this.#kubernetes.create(apiPath('Event', namespace), event).then(
      () => undefined,
      (error: unknown) => {
        // 409: an earlier run of this step wrote it. 403: the namespace is being deleted.
        if (isStatus(error, 409) || isStatus(error, 403)) return
        this.#log.warn(
          { error: String(error), reason, subject: `${subject.kind} ${namespace}/${name}` },
          'event not written',
        )
      },
    )
    this.#pending.push(write)
  }
}
