import type { Dispatcher } from 'undici'
import { CertloomError } from '../failure.ts'
import { AgentCache } from './egress-agents.ts'
import { causeOf } from './egress-errors.ts'
import { checkLiteral, RefusedAddress, resolveWithSystem, type HostLookup } from './egress-lookup.ts'
import { parseUrl, redirectTarget, redirectUrl, withoutCredentials } from './egress-redirects.ts'

export type { HostLookup, ResolvedAddress } from './egress-lookup.ts'

export interface EgressOptions {
  /** Operator's switch: let namespaced Issuers reach loopback, link-local and metadata addresses (local servers do). */
  allowPrivate: boolean
  userAgent: string
  /** The system's resolver when absent. */
  lookup?: HostLookup
}

export interface EgressRequest {
  /** http or https, without user and password. */
  url: string
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  headers?: Record<string, string>
  body?: string | Uint8Array
  /** Roots to trust instead of the system's, PEM. */
  caPem?: string
  insecureSkipVerify?: boolean
  /** For the whole request, in milliseconds: look-up, redirects and body included. */
  timeoutMs: number
  maxBodyBytes: number
  /** 0, the default, returns a redirect as the answer that it is; only GET and HEAD are redirected. */
  maxRedirects?: number
  /** Whose setting the URL is: a tenant's (`namespaced`) or the cluster administrator's. */
  policy: 'namespaced' | 'cluster'
  signal?: AbortSignal
  /** The field that a person must change when the URL is not acceptable; `spec.acme.server` when absent. */
  field?: string
}

export interface EgressResponse {
  status: number
  /** Lower-case names; a repeated header joined with ", ". */
  headers: Record<string, string>
  body: Buffer
  /** The URL that answered, after redirects. */
  url: string
}

export interface Egress {
  /**
   * Any status is a result. What is thrown is the reason of `signal`, or a CertloomError: InvalidSpec for a URL or an
   * address that must not be reached, CaUnreachable for the network, TLS and the limits.
   */
  request(request: EgressRequest): Promise<EgressResponse>
  /** Ends the kept connections. */
  close(): Promise<void>
}

interface Target {
  url: URL
  headers: Record<string, string>
  /** Whether its addresses are held to the rule for tenants. */
  checked: boolean
}

/**
 * Outbound HTTP to servers that users name. A host is resolved, every one of its addresses is checked, and the
 * connection goes to those very addresses, so a second answer of DNS cannot lead elsewhere (DNS rebinding).
 */
export function createEgress({ allowPrivate, userAgent, lookup = resolveWithSystem }: EgressOptions): Egress {
  const agents = new AgentCache(lookup)

  async function follow(request: EgressRequest, signal: AbortSignal): Promise<EgressResponse> {
    const { field = 'spec.acme.server', policy, maxRedirects = 0 } = request
    const start = parseUrl(request.url, field)
    const target: Target = {
      url: start,
      headers: { 'user-agent': userAgent, ...request.headers },
      checked: !allowPrivate && policy === 'namespaced',
    }
    for (let redirects = 0; ; redirects++) {
      const response = await sendTwice(agents, request, target, signal)
      const location = redirectTarget(response, request.method)
      if (maxRedirects === 0 || location === undefined) return response
      if (redirects >= maxRedirects) {
        throw new CertloomError('CaUnreachable', `${start.host} redirects more than ${maxRedirects} times`)
      }
      const next = redirectUrl(location, target.url, field)
      if (next.origin !== target.url.origin) target.headers = withoutCredentials(target.headers)
      // Where a server sends us, nobody wrote down: elsewhere, the rule for tenants holds for everyone.
      target.checked = !allowPrivate && (policy === 'namespaced' || next.hostname !== start.hostname)
      target.url = next
    }
  }

  return {
    async request(request) {
      request.signal?.throwIfAborted()
      const limit = new AbortController()
      const timer = setTimeout(() => limit.abort(), request.timeoutMs)
      const signal =
        request.signal === undefined ? limit.signal : AbortSignal.any([limit.signal, request.signal])
      try {
        return await follow(request, signal)
      } finally {
        clearTimeout(timer)
      }
    },
    close: () => agents.close(),
  }
}

/** A kept connection may have been closed by the server in the meantime: what is safe to repeat is sent again. */
async function sendTwice(
  agents: AgentCache,
  request: EgressRequest,
  target: Target,
  signal: AbortSignal,
): Promise<EgressResponse> {
  const isSafe = request.method === 'GET' || request.method === 'HEAD'
  for (let tries = 1; ; tries++) {
    try {
      return await send(agents, request, target, signal)
    } catch (error) {
      const { code } = error as { code?: unknown }
      if (isSafe && tries === 1 && (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET')) continue
      throw asFailure(error, request, target, signal)
    }
  }
}

async function send(
  agents: AgentCache,
  { caPem, insecureSkipVerify = false, method, body, maxBodyBytes }: EgressRequest,
  { url, headers, checked }: Target,
  signal: AbortSignal,
): Promise<EgressResponse> {
  if (checked) checkLiteral(url)
  const agent = agents.get({ caPem, insecureSkipVerify, checked })
  const path = url.pathname + url.search
  const response = await agent.request({
    origin: url.origin,
    path,
    method,
    headers,
    body: body ?? null,
    signal,
  })
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBodyBytes) throw new TooLarge(maxBodyBytes)
    chunks.push(chunk)
  }
  return {
    status: response.statusCode,
    headers: joined(response),
    body: Buffer.concat(chunks),
    url: url.href,
  }
}

class TooLarge extends Error {
  constructor(limit: number) {
    super(`answers with more than ${limit} bytes`)
  }
}

function joined({ headers }: Dispatcher.ResponseData): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, [value].flat().join(', ')]],
    ),
  )
}

function asFailure(error: unknown, request: EgressRequest, { url }: Target, signal: AbortSignal): unknown {
  if (request.signal?.aborted === true) return request.signal.reason
  if (error instanceof CertloomError) return error
  const peer = `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`
  if (error instanceof RefusedAddress) {
    const field = request.field ?? 'spec.acme.server'
    const message = `${field}: ${error.finding} that is not reached: name another server, or have the operator allow it`
    return new CertloomError('InvalidSpec', message)
  }
  if (error instanceof TooLarge) return new CertloomError('CaUnreachable', `${peer} ${error.message}`)
  const cause = signal.aborted
    ? `${peer} did not answer completely in ${request.timeoutMs} ms`
    : causeOf(error, peer, request.caPem !== undefined)
  return new CertloomError('CaUnreachable', cause, { cause: error })
}
