import type { Failure, FailureCode } from './failures.ts'

/** One issuance as it is told by query `attempts` and carried from run to run. */
export interface Attempt {
  /** Counts all attempts of a Certificate, from 1. */
  number: number
  /** The revision that it would make. */
  revision: number
  /** Why it began: the reason of the Issuing condition, or who asked. */
  cause: string
  /** RFC 3339. */
  startedAt: string
  endedAt?: string
  outcome?: 'issued' | 'failed' | 'cancelled'
  code?: FailureCode
  message?: string
}

export type Settlement = Required<Pick<Attempt, 'endedAt' | 'outcome'>> & Pick<Attempt, 'code' | 'message'>

const kept = 20

/** The list with one more attempt, of which the last 20 are kept. Without a number it is the one after the last. */
export function addAttempt(
  attempts: readonly Attempt[],
  begun: Pick<Attempt, 'revision' | 'cause' | 'startedAt'> & { number?: number },
): Attempt[] {
  const number = begun.number ?? (attempts.at(-1)?.number ?? 0) + 1
  return [...attempts, { ...begun, number }].slice(-kept)
}

/** The list with one attempt ended. An attempt ends once: later or unknown settlements change nothing. */
export function settleAttempt(
  attempts: readonly Attempt[],
  number: number,
  settlement: Settlement,
): Attempt[] {
  return attempts.map((attempt) =>
    attempt.number === number && attempt.outcome === undefined ? { ...attempt, ...settlement } : attempt,
  )
}

/** How the last attempt failed; undefined where it did not, or where nobody remembers it. */
export function lastFailure(attempts: readonly Attempt[]): Failure | undefined {
  const { outcome, code, message = '' } = attempts.at(-1) ?? {}
  return outcome === 'failed' && code !== undefined ? { code, message } : undefined
}

/** The attempt that is under way, if one is. */
export function runningAttempt(attempts: readonly Attempt[]): Attempt | undefined {
  const last = attempts.at(-1)
  return last?.outcome === undefined ? last : undefined
}
