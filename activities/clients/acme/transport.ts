import type { z } from 'zod'
import { CertloomError } from '../../failure.ts'
import { header, links, mediaType, retryAfterMs, type Headers } from './headers.ts'
import { AcmeProblem, problemDocument, type AcmeResource, type ProblemDocument } from './problems.ts'

/** How long one request may take, in milliseconds; a CA that needs longer answers `processing`. */
const TIMEOUT_MS = 30_000
/** The most that is read of an answer, in bytes; a directory has 1 KB, a long chain 20 KB. */
const MAX_BODY_BYTES = 1024 * 1024
const MAX_REDIRECTS = 3

/** Where an ACME server is and what is trusted of it. */
export interface AcmeServer {
  directoryUrl: string
  /** CA certificates in PEM that replace the system's for this server. */
  caPem?: string
  skipTlsVerify?: boolean
  /** Whose word the address is: a namespaced Issuer's may not lead into the cluster's own networks. */
  policy: 'namespaced' | 'cluster'
}

export interface HttpRequest {
  url: string
  method: 'GET' | 'HEAD' | 'POST'
  headers: Record<string, string>
  body?: Buffer
  caPem?: string
  insecureSkipVerify?: boolean
  timeoutMs: number
  maxBodyBytes: number
  /** Only for GET and HEAD: a signed request is meant for one URL (RFC 8555 6.4). */
  maxRedirects: number
  policy: 'namespaced' | 'cluster'
}

export interface HttpAnswer {
  status: number
  headers: Headers
  body: Buffer
  /** The URL that answered, after redirects if any were followed. */
  url: string
}

/**
 * The part of the egress that ACME needs. Every status is an answer; network faults and a body of more than
 * `maxBodyBytes` throw a CertloomError.
 */
export interface HttpSender {
  request(request: HttpRequest): Promise<HttpAnswer>
}

/** What every exchange with one server shares. */
export interface Transport {
  readonly server: AcmeServer
  readonly http: HttpSender
  readonly userAgent: string
  /** Milliseconds since 1970; for Retry-After dates and the age of the directory. */
  readonly now: () => number
  /** Told of every request when it has ended; for metrics. */
  readonly observe?: (exchange: AcmeExchange) => void
}

/** One request to an ACME server and how it went, without anything secret. */
export interface AcmeExchange {
  url: string
  method: 'GET' | 'HEAD' | 'POST'
  resource: AcmeResource
  /** HTTP status; 999 where no answer came, as cert-manager counts it. */
  status: number
  seconds: number
  problem?: {
    type: string
    /** Milliseconds since 1970, until when the server asks to be left alone; only where it is over its limit. */
    until?: number
  }
}

const NO_ANSWER = 999

/** Milliseconds that the server asks to wait before the next look, from Retry-After; absent if it does not say. */
export interface Polled {
  retryAfterMs?: number
}

/** An answer with status 2xx. */
export interface Answer extends Polled {
  status: number
  headers: Headers
  body: Buffer
  url: string
  nonce?: string
  resource: AcmeResource
}

/** A refusal, together with the nonce that came with it. */
export interface Refusal {
  problem: AcmeProblem
  nonce?: string
}

export interface Exchange {
  method: 'GET' | 'HEAD' | 'POST'
  url: string
  resource: AcmeResource
  accept?: string
  body?: Buffer
}

/** One request, one answer; a problem is returned, not thrown, since its nonce may still be wanted. */
export async function exchange(
  transport: Transport,
  { method, url, resource, accept = 'application/json', body }: Exchange,
): Promise<{ answer: Answer } | { refusal: Refusal }> {
  const { server, http, userAgent } = transport
  const began = performance.now()
  const told = (status: number, problem?: AcmeExchange['problem']) =>
    transport.observe?.({
      url,
      method,
      resource,
      status,
      seconds: (performance.now() - began) / 1000,
      problem,
    })
  const headers: Record<string, string> = { accept, 'accept-language': 'en', 'user-agent': userAgent }
  if (body !== undefined) headers['content-type'] = 'application/jose+json'
  const request: HttpRequest = {
    url: checkedUrl(url, server, resource),
    method,
    headers,
    body,
    caPem: server.caPem,
    insecureSkipVerify: server.skipTlsVerify,
    timeoutMs: TIMEOUT_MS,
    maxBodyBytes: MAX_BODY_BYTES,
    maxRedirects: method === 'POST' ? 0 : MAX_REDIRECTS,
    policy: server.policy,
  }
  const got = await http.request(request).catch((error: unknown) => {
    told(NO_ANSWER)
    throw error
  })
  checkedUrl(got.url, server, resource)

  const now = transport.now()
  const wait = retryAfterMs(got.headers, now)
  const nonce = header(got.headers, 'replay-nonce')
  if (got.status < 200 || got.status > 299) {
    const retryAt = wait === undefined ? undefined : now + wait
    const problem = new AcmeProblem(readProblem(got), { status: got.status, resource, retryAt, now })
    const { notBefore } = problem.failure
    told(got.status, {
      type: problem.problem.type,
      ...(notBefore !== undefined && { until: Date.parse(notBefore) }),
    })
    return { refusal: { problem, nonce } }
  }
  told(got.status)
  return { answer: { ...got, nonce, resource, retryAfterMs: wait } }
}

/** The JSON of an answer by its schema; anything else is the server's mistake. */
export function readMessage<T extends z.ZodType>(answer: Answer, schema: T): z.infer<T> {
  const type = mediaType(answer.headers)
  if (!isJson(type))
    throw misbehaviour(answer.resource, `content type ${type || 'missing'} instead of application/json`)
  const json = parseJson(answer.body)
  if (json === undefined) throw misbehaviour(answer.resource, 'not JSON')
  const result = schema.safeParse(json)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw misbehaviour(
    answer.resource,
    `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not as specified'}`,
  )
}

/** A message that may be asked for again, with what the server says about when. */
export function readPolled<T extends z.ZodType<object>>(answer: Answer, schema: T): z.infer<T> & Polled {
  const { retryAfterMs } = answer
  return { ...readMessage(answer, schema), ...(retryAfterMs !== undefined && { retryAfterMs }) }
}

/** The Location of an answer, absolute and checked; undefined if there is none. */
export function locationOf(transport: Transport, answer: Answer): string | undefined {
  const location = header(answer.headers, 'location')
  return location === undefined ? undefined : resolved(transport, answer, location)
}

/** The targets of Link headers with relation `rel`, absolute and checked. */
export function linksOf(transport: Transport, answer: Answer, rel: string): string[] {
  return links(answer.headers, rel).map((target) => resolved(transport, answer, target))
}

/**
 * A URL that came from the CA, before it is used: https, or http where the operator gave the directory itself as
 * http; no user name, no password.
 */
export function checkedUrl(url: string, server: AcmeServer, resource: AcmeResource): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined) throw misbehaviour(resource, `${url} is not a URL`)
  const plain = parsed.protocol === 'http:' && server.directoryUrl.toLowerCase().startsWith('http:')
  if (parsed.protocol !== 'https:' && !plain)
    throw misbehaviour(resource, `${parsed.protocol}//${parsed.host} is not https`)
  if (parsed.username !== '' || parsed.password !== '')
    throw misbehaviour(resource, `${parsed.host}: user name in the URL`)
  return url
}

/** The server does not speak ACME: at the directory that is a wrong address, later a fault of the server. */
export function misbehaviour(resource: AcmeResource, what: string): CertloomError {
  if (resource === 'directory') return new CertloomError('CaUnreachable', `no ACME directory: ${what}`)
  return new CertloomError('CaInternal', `ACME ${resource}: ${what}`)
}

function resolved(transport: Transport, answer: Answer, target: string): string {
  if (!URL.canParse(target, answer.url)) throw misbehaviour(answer.resource, `${target} is not a URL`)
  return checkedUrl(new URL(target, answer.url).href, transport.server, answer.resource)
}

function readProblem({ headers, body, status }: HttpAnswer): ProblemDocument {
  const type = mediaType(headers)
  const document = isJson(type) ? problemDocument.safeParse(parseJson(body)) : undefined
  if (document?.success) return document.data
  // What a proxy in between says in HTML helps nobody in a condition.
  return { type: 'about:blank', detail: 'the answer has no problem document', status }
}

function isJson(type: string): boolean {
  return type === 'application/json' || type === 'text/json' || type.endsWith('+json')
}

function parseJson(body: Buffer): unknown {
  try {
    // Some servers write null for a field that they do not have.
    return JSON.parse(body.toString('utf8'), (_key, value: unknown) => (value === null ? undefined : value))
  } catch {
    return undefined
  }
}
