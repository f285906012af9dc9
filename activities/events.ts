import { apiPath, apiVersionOf, type Kind } from '../k8s-bridge/api/kinds.ts'
import type { ObjectMetadata } from '../k8s-bridge/api/metadata.ts'
import { isStatus, type Kubernetes } from './clients/kubernetes.ts'
import type { Logger } from './deps.ts'

/** Longest message that the API server keeps. */
const MAX_MESSAGE = 1024

export interface EventSubject {
  kind: Kind
  metadata: ObjectMetadata
}

/**
 * The events of one run of one activity: written beside the step, in the order in which they were told. People see
 * events of one second sorted by name, so names rise; and they derive from the step, so that a second run of it finds
 * them written (409).
 */
export class Events {
  readonly #kubernetes: Kubernetes
  readonly #log: Logger
  readonly #base: number
  readonly #source: string
  readonly #pending: Promise<void>[] = []
  #count = 0

  /** `startedAt`: when the step was first scheduled, milliseconds; the same for every try of it. */
  constructor(kubernetes: Kubernetes, log: Logger, source: string, startedAt: number) {
    this.#kubernetes = kubernetes
    this.#log = log
    this.#source = source
    this.#base = startedAt
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

  #write(type: 'Normal' | 'Warning', subject: EventSubject, reason: string, message: string): void {
    const { name, namespace = 'default', uid, resourceVersion } = subject.metadata
    const stamp = BigInt(this.#base) * 1_000_000n + BigInt(this.#count++)
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
