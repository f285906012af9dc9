import { describeFailure, failureKind, type Failure, type FailureCode } from '../workflows/domain/failures.ts'
import { cleanText } from './clean-text.ts'

export interface FailureOptions extends Pick<Failure, 'notBefore' | 'placed'> {
  cause?: unknown
}

/**
 * What every client and activity throws: a code of the closed list with particulars that a user may read. It is mapped
 * once to Temporal's ApplicationFailure, at the edge of the activities.
 */
export class CertloomError extends Error {
  override readonly name = 'CertloomError'
  readonly failure: Failure

  constructor(code: FailureCode, message: string, options: FailureOptions = {}) {
    const failure: Failure = { code, message: cleanText(message) }
    if (options.notBefore !== undefined) failure.notBefore = options.notBefore
    if (options.placed !== undefined) failure.placed = options.placed
    super(describeFailure(failure), { cause: options.cause })
    this.failure = failure
  }

  get kind() {
    return failureKind(this.failure.code)
  }
}
