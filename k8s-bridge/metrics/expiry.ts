import type { KeptCertificate } from '../kept.ts'
import type { Logger } from '../logger.ts'
import type { ObservedStores } from '../watched.ts'
import { certificateStates, stateOf } from './certificates.ts'
import { single, type MetricFamily } from './family.ts'

/** How long after its renewal time a certificate counts as overdue, in seconds: a renewal takes seconds, a busy CA minutes. */
export const GRACE_SECONDS = 15 * 60
const ROUND_MS = 60_000

export interface ExpiryWatchOptions {
  stores: ObservedStores
  logger: Logger
  /** Whether this process is the one that should speak: it holds the Lease. */
  mayAct: () => boolean
  /** Milliseconds since 1970. */
  now?: () => number
}

/**
 * A second look at every certificate that does not depend on Temporal, on workflows or on workers: dates and clock
 * alone. It acts on nothing; what it finds stands in the metrics, and once a certificate and date in the log.
 */
export class ExpiryWatch {
  readonly #options: ExpiryWatchOptions
  readonly #now: () => number
  #told = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: ExpiryWatchOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), ROUND_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Tells of what has become overdue or has expired since the last look. */
  look(): void {
    if (!this.#options.mayAct()) return
    const told = new Set<string>()
    for (const one of this.#options.stores.certificates.list()) {
      if (this.#expired(one)) this.#tell(told, one, 'notAfter', 'certificate has expired')
      else if (this.#overdue(one)) this.#tell(told, one, 'renewalTime', 'certificate is not renewed in time')
    }
    this.#told = told
  }

  families(): MetricFamily[] {
    const certificates = () => this.#options.stores.certificates.list()
    return [
      {
        name: 'certloom_certificates_overdue',
        help: `Certificates that are not renewed ${GRACE_SECONDS / 60} minutes after their renewal time, by what they are doing.`,
        type: 'gauge',
        labels: ['state'],
        collect: () => {
          const overdue = certificates().filter((one) => this.#overdue(one))
          return certificateStates.map((state) => ({
            labels: [state],
            value: overdue.filter((one) => stateOf(one) === state).length,
          }))
        },
      },
      {
        name: 'certloom_certificate_overdue_seconds',
        help: 'Seconds since the renewal time of each certificate that is overdue; no series for any other.',
        type: 'gauge',
        labels: ['namespace', 'name', 'state'],
        collect: () =>
          certificates()
            .filter((one) => this.#overdue(one))
            .map((one) => ({
              labels: [one.metadata.namespace ?? '', one.metadata.name, stateOf(one)],
              value: this.#seconds() - one.renewalTime,
            })),
      },
      single('certloom_certificates_expired', 'Certificates whose notAfter has passed.', () => {
        return certificates().filter((one) => this.#expired(one)).length
      }),
      single(
        'certloom_next_expiry_seconds',
        'Seconds until the next certificate expires; no series while nothing is issued or everything has expired.',
        () => {
          const seconds = this.#seconds()
          let next = Infinity
          for (const { notAfter } of certificates())
            if (notAfter > seconds && notAfter < next) next = notAfter
          return next === Infinity ? undefined : next - seconds
        },
      ),
    ]
  }

  #seconds(): number {
    return Math.floor(this.#now() / 1000)
  }

  #overdue({ renewalTime }: KeptCertificate): boolean {
    return renewalTime > 0 && renewalTime + GRACE_SECONDS < this.#seconds()
  }

  #expired({ notAfter }: KeptCertificate): boolean {
    return notAfter > 0 && notAfter < this.#seconds()
  }

  #tell(told: Set<string>, one: KeptCertificate, date: 'notAfter' | 'renewalTime', message: string): void {
    const key = `${one.metadata.uid} ${date} ${one[date]}`
    told.add(key)
    if (this.#told.has(key)) return
    this.#options.logger.warn(
      {
        certificate: `${one.metadata.namespace}/${one.metadata.name}`,
        [date]: new Date(one[date] * 1000).toISOString(),
        state: stateOf(one),
        ...(one.stalled !== '' && { code: one.stalled }),
      },
      message,
    )
  }
}
