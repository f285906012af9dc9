import { isCancellation, log } from '@temporalio/workflow'
import type { CertificateReference } from '../activities.ts'
import { standsInStalled } from '../domain/describe-stall.ts'
import type { Failure } from '../domain/failures.ts'
import { step } from './steps.ts'

/** A write that does not work within these tries waits for the next look, which tells what blocks again. */
const TRIES = 5

/**
 * Keeps the condition Stalled of a Certificate at what blocks its attempt: one writer, however many names wait side by
 * side, and one write a change. Nobody waits for it but the end of the attempt.
 */
export class StallReport {
  /** Whether the step under way takes the condition away itself when it works, as the first and the last one do. */
  stepClears = true
  readonly #certificate: CertificateReference
  #wanted: Failure | undefined
  #shown: Failure | undefined
  #writing: Promise<void> | undefined

  constructor(certificate: CertificateReference) {
    this.#certificate = certificate
  }

  /** What blocks the attempt now; undefined where it goes on. */
  tell(failure: Failure | undefined): void {
    this.#wanted = failure !== undefined && standsInStalled(failure) ? failure : undefined
    if (failure === undefined && this.stepClears && this.#writing === undefined) this.#shown = undefined
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined))
  }

  /** Until the object says what was told last. */
  async settled(): Promise<void> {
    await this.#writing
  }

  async #write(): Promise<void> {
    while (!isSame(this.#wanted, this.#shown)) {
      const failure = this.#wanted
      const summary = failure === undefined ? 'no longer Stalled' : `Stalled: ${failure.code}`
      try {
        await step('reportBlocked', { certificate: this.#certificate, failure }, { summary, tries: TRIES })
        this.#shown = failure
      } catch (error) {
        if (isCancellation(error)) return
        // The next look tells it again.
        return log.warn('what blocks the attempt is not shown on the Certificate', { error: String(error) })
      }
    }
  }
}

function isSame(left: Failure | undefined, right: Failure | undefined): boolean {
  return left?.code === right?.code && left?.message === right?.message
}
