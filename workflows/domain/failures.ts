import type { Actor } from './actors.ts'
import { failures } from './failure-list.ts'
import type { PlacedOrder } from './placed-order.ts'

export { failures }

/**
 * Every way in which certloom can fail to keep a certificate current: one closed list. The code appears in the
 * `Stalled` condition, the event, Temporal's UI, metrics and docs/errors.md, always the same; a test compares.
 *
 * `kind` answers the only question that a retry engine has:
 * - `spec`: never, until the user changes the object;
 * - `blocked`: when the thing that is missing appears; looked at again, never counted as a failed attempt;
 * - `later`: at the time that the CA named;
 * - `transient`: now and again, in place;
 * - `spent`: the CA judged this attempt; count it and back off.
 */
export type FailureKind = 'spec' | 'blocked' | 'later' | 'transient' | 'spent'

export interface FailureEntry {
  readonly kind: FailureKind
  readonly acts: Actor
  /** What is wrong, as the beginning of a sentence that the particulars complete. */
  readonly meaning: string
  /** What a person does about it, an imperative sentence. */
  readonly remedy: string
}

export type FailureCode = keyof typeof failures

/** A failure as it travels through histories and conditions: plain data, no secret, no stack. */
export interface Failure {
  code: FailureCode
  /** The particulars in at most 256 characters, cleaned of control characters and key material. */
  message: string
  /** RFC 3339 time before which no further try is made; only for kind `later`. */
  notBefore?: string
  /** The order of this try, where it could not be written down: the next try takes it. */
  placed?: PlacedOrder
}

export function failureKind(code: FailureCode): FailureKind {
  return failures[code].kind
}

export function isFailureCode(value: unknown): value is FailureCode {
  return typeof value === 'string' && Object.hasOwn(failures, value)
}

/** What a user reads in `Stalled`, in the event and in the UI: the particulars, then what to do. */
export function describeFailure(failure: Failure): string {
  const { meaning, remedy } = failures[failure.code]
  const particulars = failure.message === '' ? meaning : failure.message
  return `${particulars.replace(/[.\s]*$/, '')}. ${remedy}`
}
