import { isStatus, type Kubernetes } from '../activities/clients/kubernetes.ts'
import { apiPath, apiVersionOf } from './api/kinds.ts'
import type { Target } from './doorbell.ts'
import { describeError, type Logger } from './logger.ts'

const MESSAGE =
  'Temporal cannot be reached: nothing is issued or renewed until it is back. Look at the Temporal server and at the address that certloom was given; nothing is lost meanwhile.'

/** An outage is over when calls have got through for this long, in milliseconds: a server that comes up fails some more. */
const CALM_MS = 60_000

/** Tells people that Temporal is away: one Warning event per object and outage. */
export class Outage {
  readonly #kubernetes: Kubernetes
  readonly #logger: Logger
  readonly #now: () => number
  #told = new Set<string>()
  /** When the first call got through after an outage; undefined while none has. */
  #backAt: number | undefined

  /** `now` in monotonic milliseconds. */
  constructor(kubernetes: Kubernetes, logger: Logger, now: () => number = () => performance.now()) {
    this.#kubernetes = kubernetes
    this.#logger = logger
    this.#now = now
  }

  /** A call got through. */
  over(): void {
    if (this.#told.size === 0 || this.#backAt !== undefined) return
    this.#logger.info({ objects: this.#told.size }, 'Temporal is back')
    this.#backAt = this.#now()
  }

  /** A call for this object did not get through. */
  async tell(target: Target, uid: string): Promise<void> {
    if (this.#backAt !== undefined && this.#now() - this.#backAt >= CALM_MS) this.#told = new Set()
    this.#backAt = undefined
    if (this.#told.has(uid)) return
    this.#told.add(uid)
    const namespace = target.namespace === '' ? 'default' : target.namespace
    const now = new Date()
    const stamp = now.toISOString().replace(/\.\d+Z$/, 'Z')
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {
        name: `${target.name.slice(0, 230)}.${(BigInt(now.getTime()) * 1_000_000n).toString(16)}`,
        namespace,
      },
      involvedObject: {
        apiVersion: apiVersionOf(target.kind),
        kind: target.kind,
        name: target.name,
        namespace: target.namespace === '' ? undefined : target.namespace,
        uid,
      },
      type: 'Warning',
      reason: 'TemporalUnavailable',
      message: MESSAGE,
      source: { component: 'certloom-bridge' },
      firstTimestamp: stamp,
      lastTimestamp: stamp,
      count: 1,
    }
    try {
      await this.#kubernetes.create(apiPath('Event', namespace), event)
    } catch (error) {
      if (!isStatus(error, 409))
        this.#logger.warn({ error: describeError(error), name: target.name }, 'event not written')
    }
  }
}
