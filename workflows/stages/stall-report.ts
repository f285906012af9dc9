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
  #isWriting = false
  #written: Promise<void> = Promise.resolve()

  constructor(certificate: CertificateReference) {
    this.#certificate = certificate
  }

  /** What blocks the attempt now; undefined where it goes on. */
  tell(failure: Failure | undefined): void {
    this.#wanted = failure !== undefined && standsInStalled(failure) ? failure : undefined
    if (this.#isWriting) return
    if (failure === undefined && this.stepClears) this.#shown = undefined
    this.#written = this.#write()
  }

  /** Until the object says what was told last. */
  async settled(): Promise<void> {
    await this.#written
  }

  async #write(): Promise<void> {
    this.#isWriting = true
    // Nothing is awaited between the last comparison and the end: what is told from then on begins another write.
    while (!isSame(this.#wanted, this.#shown)) {
      const told = this.#wanted
      const end = await this.#show(told)
      // What could not be written is told again by the next look, unless something else was told meanwhile.
      if (end === 'cancelled' || (end === 'failed' && isSame(told, this.#wanted))) break
    }
    this.#isWriting = false
  }

  async #show(failure: Failure | undefined): Promise<'shown' | 'failed' | 'cancelled'> {
    const summary = failure === undefined ? 'no longer Stalled' : `Stalled: ${failure.code}`
    try {
      await step('reportBlocked', { certificate: this.#certificate, failure }, { summary, tries: TRIES })
      this.#shown = failure
      return 'shown'
    } catch (error) {
      if (isCancellation(error)) return 'cancelled'
      log.warn('what blocks the attempt is not shown on the Certificate', { error: String(error) })
      return 'failed'
    }
  }
}

function isSame(left: Failure | undefined, right: Failure | undefined): boolean {
  return left?.code === right?.code && left?.message === right?.message
}
