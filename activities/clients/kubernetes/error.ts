import { cleanText } from '../../clean-text.ts'

/** A `Status` answer of the API server, as far as we read it. */
export interface Status {
  kind?: string
  message?: string
  reason?: string
  code?: number
  details?: { name?: string; retryAfterSeconds?: number; causes?: unknown[] }
}

/** How one call to the API server failed. The message is the server's, cleaned, at most 256 characters. */
export class KubernetesError extends Error {
  override readonly name = 'KubernetesError'
  /** HTTP status; 0 where no answer came. */
  readonly status: number
  /**
   * The server's reason (`NotFound`, `AlreadyExists`, `Conflict`, `Forbidden`, `Expired` …). Without an answer:
   * `ConnectionFailed`, `ConnectionReset`, `Timeout`, `MalformedResponse`, `InvalidConfiguration`,
   * `CredentialsFailed`, `InvalidPath`, `Closed`.
   */
  readonly reason: string
  readonly method: string
  /** Path without the query. */
  readonly path: string
  readonly retryAfterSeconds?: number
  /**
   * A `test` of a JSON patch (422) or the uid of a delete (409) did not hold: the object is not the one, or not in the
   * state, that the caller saw.
   */
  readonly isPreconditionFailed: boolean

  constructor(
    facts: {
      status: number
      reason: string
      message: string
      method: string
      path: string
      retryAfterSeconds?: number
      isPreconditionFailed?: boolean
    },
    options: { cause?: unknown; secrets?: readonly string[] } = {},
  ) {
    super(
      cleanText(facts.message, options.secrets),
      options.cause === undefined ? {} : { cause: options.cause },
    )
    this.status = facts.status
    this.reason = facts.reason
    this.method = facts.method
    this.path = facts.path
    if (facts.retryAfterSeconds !== undefined) this.retryAfterSeconds = facts.retryAfterSeconds
    this.isPreconditionFailed = facts.isPreconditionFailed ?? false
  }
}

/** True for a KubernetesError of that status and, where given, that reason. */
export function isStatus(error: unknown, status: number, reason?: string): error is KubernetesError {
  return (
    error instanceof KubernetesError &&
    error.status === status &&
    (reason === undefined || error.reason === reason)
  )
}
