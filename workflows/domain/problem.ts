import type { FailureCode } from './failures.ts'

/** A field that cannot be used as it is written. The message names the field, says what is wrong and what to do. */
export interface Problem {
  code: Extract<FailureCode, 'InvalidSpec' | 'NoNames' | 'UnknownIssuerKind'>
  /** Path of the field, like `spec.dnsNames[0]`. */
  field: string
  message: string
}

/** A problem of the kind InvalidSpec; the phrase completes the name of the field: "must be at least 1h". */
export function invalid(field: string, phrase: string): Problem {
  return { code: 'InvalidSpec', field, message: `${field} ${phrase}` }
}
