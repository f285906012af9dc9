import { Agent, ProxyAgent, Socks5ProxyAgent, type Dispatcher } from 'undici'
import type { Credentials, TlsMaterial } from './credentials.ts'
import { KubernetesError } from './error.ts'
import { checkPath } from './path.ts'
import type { Lane, Method } from './types.ts'

/** Most connections per lane: 8 carry as many writes per second as one API server takes; each watch needs its own. */
const CONNECTIONS = { calls: 8, watches: null, lease: 2 } as const satisfies Record<Lane, number | null>

export interface Call {
  method: Method
  path: string
  query?: Record<string, string>
  headers?: Record<string, string>
  body?: string
  signal: AbortSignal
  lane: Lane
}

/** Kept connections to one API server, in three lanes that do not wait for each other. */
export class Transport {
  readonly #credentials: Credentials
  readonly #userAgent: string
  readonly #basePath: string
  #agents = new Map<Lane, Dispatcher>()
  #mark = ''
  #closed = false
  readonly #retired = new Set<Dispatcher>()

  constructor(credentials: Credentials, userAgent: string) {
    this.#credentials = credentials
    this.#userAgent = userAgent
    this.#basePath = credentials.server.pathname.replace(/\/$/, '')
  }

  /** Sends one request; after a 401 once more with credentials read anew. Any other status is the caller's. */
  async send(call: Call): Promise<Dispatcher.ResponseData> {
    checkPath(call.method, call.path)
    const answer = await this.#once(call)
    if (answer.statusCode !== 401 || !this.#credentials.refresh()) return answer
    await answer.body.dump()
    return await this.#once(call)
  }

  async close(): Promise<void> {
    this.#closed = true
    const agents = [...this.#agents.values(), ...this.#retired]
    this.#agents.clear()
    this.#retired.clear()
    await Promise.all(agents.map((agent) => agent.destroy()))
  }

  async #once(call: Call): Promise<Dispatcher.ResponseData> {
    const { headers, tls, mark } = await this.#credentials.current()
    if (this.#closed) throw closed(call)
    call.signal.throwIfAborted()
    if (mark !== this.#mark) this.#retire(mark)
    let agent = this.#agents.get(call.lane)
    if (!agent) this.#agents.set(call.lane, (agent = this.#connect(call.lane, tls)))
    try {
      const request: Dispatcher.RequestOptions = {
        origin: this.#credentials.server.origin,
        path: this.#basePath + call.path + queryString(call.query),
        method: call.method,
        headers: { 'user-agent': this.#userAgent, ...headers, ...call.headers },
        signal: call.signal,
        // Timers of our own bound calls and watches; those of undici would end a quiet watch.
        headersTimeout: 0,
        bodyTimeout: 0,
      }
      if (call.body !== undefined) request.body = call.body
      return await agent.request(request)
    } catch (cause) {
      throw networkError(call, cause)
    }
  }

  #connect(lane: Lane, tls: TlsMaterial): Dispatcher {
    const connect = { ...tls, timeout: 5000, keepAlive: true, keepAliveInitialDelay: 30_000 }
    // The API server closes idle connections after 90 s: we must be first, or a write meets a closing one.
    const pool = { connections: CONNECTIONS[lane], pipelining: 1, keepAliveTimeout: 60_000 }
    const proxy = this.#credentials.proxyUrl
    if (proxy === undefined) return new Agent({ ...pool, connect })
    if (proxy.startsWith('socks')) return new Socks5ProxyAgent(proxy, { ...pool, requestTls: connect })
    return new ProxyAgent({ ...pool, uri: proxy, requestTls: connect })
  }

  /** New TLS material: calls under way end on the old connections, new ones start on new connections. */
  #retire(mark: string): void {
    this.#mark = mark
    for (const agent of this.#agents.values()) {
      this.#retired.add(agent)
      void agent.close().finally(() => this.#retired.delete(agent))
    }
    this.#agents = new Map()
  }
}

/** A call that got no answer, or not all of it. What the caller's own signal ended keeps the signal's reason. */
export function networkError(call: Call, cause: unknown): unknown {
  if (cause instanceof KubernetesError) return cause
  if (call.signal.aborted) return call.signal.reason
  const code = codeOf(cause)
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') return closed(call)
  const reset = ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE', 'UND_ERR_ABORTED'].includes(code)
  return new KubernetesError(
    {
      status: 0,
      reason: reset ? 'ConnectionReset' : 'ConnectionFailed',
      message: `${reset ? 'the connection to the API server broke' : 'the API server cannot be reached'} (${code})`,
      method: call.method,
      path: call.path,
    },
    { cause },
  )
}

function closed(call: Call): KubernetesError {
  const { method, path } = call
  return new KubernetesError({ status: 0, reason: 'Closed', message: 'the client is closed', method, path })
}

function queryString(query: Record<string, string> | undefined): string {
  const text = new URLSearchParams(query).toString()
  return text === '' ? '' : `?${text}`
}

function codeOf(cause: unknown): string {
  // With several addresses Node reports an AggregateError; the first of them tells enough.
  const error: unknown = cause instanceof AggregateError && cause.errors.length > 0 ? cause.errors[0] : cause
  if (!(error instanceof Error)) return 'unknown error'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
