import { z } from 'zod'
import type { FailureCode } from '../../../workflows/domain/failures.ts'
import { CertloomError } from '../../failure.ts'

const PREFIX = 'urn:ietf:params:acme:error:'
/** How long certloom stays away after a rate limit that names no time, in milliseconds. */
export const UNNAMED_RATE_LIMIT_MS = 10 * 60_000

const text = z.string().optional().catch(undefined)
const subproblem = z.object({
  type: z.string().catch('about:blank'),
  detail: text,
  identifier: z.object({ type: z.string(), value: z.string() }).optional().catch(undefined),
})

/** A problem document (RFC 7807) with the ACME subproblems of RFC 8555 6.7.1. A field of a wrong type is left out. */
export const problemDocument = z.object({
  type: z.string().catch('about:blank'),
  title: text,
  detail: text,
  status: z.number().optional().catch(undefined),
  instance: text,
  subproblems: z.array(subproblem).max(1000).optional().catch(undefined),
})
export type ProblemDocument = z.infer<typeof problemDocument>

/** What a request was about; the same problem type means different things for an account and for an order. */
export type AcmeResource =
  | 'directory'
  | 'nonce'
  | 'account'
  | 'newOrder'
  | 'order'
  | 'authorization'
  | 'challenge'
  | 'finalize'
  | 'certificate'
  | 'renewalInfo'

/**
 * A refusal by the ACME server, with its problem document whole. It is a CertloomError with the code that
 * `acmeFailure` chose, so that a caller that does not care about the problem type just lets it pass.
 */
export class AcmeProblem extends CertloomError {
  readonly problem: ProblemDocument
  /** HTTP status of the answer. */
  readonly status: number
  readonly resource: AcmeResource

  constructor(
    problem: ProblemDocument,
    answer: { status: number; resource: AcmeResource; retryAt?: number; now: number },
  ) {
    const { code, notBefore } = acmeFailure(problem, answer)
    super(code, problemText(problem, answer.status), notBefore === undefined ? {} : { notBefore })
    this.problem = problem
    this.status = answer.status
    this.resource = answer.resource
  }

  /** Whether the problem is of an ACME type, by its short name: `is('alreadyReplaced')`. */
  is(shortType: string): boolean {
    return this.problem.type === PREFIX + shortType
  }
}

/**
 * "type: detail; name: detail of the subproblem", for people. Not cleaned yet: CertloomError does that. Also for the
 * `error` of a challenge, an authorization's or an order's.
 */
export function problemText(problem: ProblemDocument, status = problem.status): string {
  const type = problem.type.startsWith(PREFIX) ? problem.type.slice(PREFIX.length) : problem.type
  const name = type === 'about:blank' || type === '' ? `HTTP ${status ?? 'error'}` : type
  const detail = problem.detail ?? problem.title
  const parts = [detail === undefined ? name : `${name}: ${detail}`]
  for (const { identifier, detail: particulars, type: subtype } of problem.subproblems ?? []) {
    const what = particulars ?? (subtype.startsWith(PREFIX) ? subtype.slice(PREFIX.length) : subtype)
    parts.push(identifier === undefined ? what : `${identifier.value}: ${what}`)
  }
  return parts.join('; ')
}

const accountTypes = new Set([
  'accountDoesNotExist',
  'badPublicKey',
  'badSignatureAlgorithm',
  'externalAccountRequired',
  'invalidContact',
  'unsupportedContact',
  'userActionRequired',
])

const internalTypes = new Set(['badNonce', 'serverInternal'])

const codeByResource: Record<AcmeResource, FailureCode> = {
  // A directory or nonce that is refused is a wrong address, not an opinion about any name.
  directory: 'CaUnreachable',
  nonce: 'CaUnreachable',
  account: 'AccountProblem',
  newOrder: 'OrderRejected',
  order: 'OrderRejected',
  authorization: 'AuthorizationInvalid',
  challenge: 'AuthorizationInvalid',
  finalize: 'OrderRejected',
  certificate: 'OrderRejected',
  renewalInfo: 'CaInternal',
}

/** The one place where an answer of the ACME server becomes a code of the closed list; `retryAt` and `now` in ms. */
export function acmeFailure(
  problem: Pick<ProblemDocument, 'type'>,
  answer: { status: number; resource: AcmeResource; retryAt?: number; now: number },
): { code: FailureCode; notBefore?: string } {
  const { status, resource, retryAt, now } = answer
  const type = problem.type.startsWith(PREFIX) ? problem.type.slice(PREFIX.length) : undefined
  if (type === 'rateLimited' || status === 429 || (status === 503 && retryAt !== undefined)) {
    const notBefore = new Date(retryAt ?? now + UNNAMED_RATE_LIMIT_MS).toISOString()
    return { code: 'RateLimited', notBefore }
  }
  if (status >= 500 || (type !== undefined && internalTypes.has(type))) return { code: 'CaInternal' }
  if (type !== undefined && accountTypes.has(type)) return { code: 'AccountProblem' }
  // For newOrder the only thing that can lack authority is the account: deactivated, revoked, not allowed to order.
  if (type === 'unauthorized' && resource === 'newOrder') return { code: 'AccountProblem' }
  return { code: codeByResource[resource] }
}
