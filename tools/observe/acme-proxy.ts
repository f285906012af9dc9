import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { Agent, createServer, request, type Server } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import type { Servers } from '../servers/handle.ts'

export interface AcmeRequest {
  /** Milliseconds since 1970, when it arrived. */
  at: number
  method: string
  path: string
  /** The signed JSON; undefined for a POST-as-GET and for anything that is not signed. */
  payload?: unknown
  status: number
  /** `status` of the resource in the answer, such as "pending" (RFC 8555 7.1.6). */
  state?: string
  /** The resource in the answer, where it is JSON and no problem document. */
  answer?: Readonly<Record<string, unknown>>
  /** `type` of a problem document (RFC 8555 6.7), without its namespace: "badNonce". */
  problem?: string
}

/** Pebble's paths. */
const NEW_ORDER = '/order-plz'
const NEW_ACCOUNT = '/sign-me-up'
const ORDER = /^\/(my-order|finalize-order)\//

/**
 * A way to Pebble of one issuer's own: it writes every request down, and can be closed like a CA that is away. Pebble
 * makes its URLs from the Host header, so everything that a client is told leads through here.
 */
export class AcmeProxy {
  readonly requests: AcmeRequest[] = []
  readonly #server: Server
  readonly #upstream: URL
  readonly #agent: Agent
  readonly #sockets = new Set<Socket>()
  /** Problem document by path. */
  readonly #refusals = new Map<string, string>()
  /** Seconds after which to look again at an order that is being signed. */
  #signing: number | undefined
  #port = 0

  private constructor(server: Server, upstream: URL, agent: Agent) {
    this.#server = server
    this.#upstream = upstream
    this.#agent = agent
    server.on('request', (asked: IncomingMessage, answer: ServerResponse) => void this.#pass(asked, answer))
    server.on('connection', (socket: Socket) => {
      socket.unref()
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  static async start(servers: Servers, upstream = servers.pebble.directoryUrl): Promise<AcmeProxy> {
    const pki = join(servers.facts.dataDir, 'pki')
    const [cert, key] = await Promise.all([
      readFile(join(pki, 'server.crt')),
      readFile(join(pki, 'server.key')),
    ])
    const agent = new Agent({ keepAlive: true, ca: servers.pebble.caPem })
    const proxy = new AcmeProxy(createServer({ cert, key }), new URL(upstream), agent)
    await proxy.open()
    return proxy
  }

  get directoryUrl(): string {
    return `https://127.0.0.1:${this.#port}${this.#upstream.pathname}`
  }

  /** How many orders were asked for; one that a refused nonce made the client repeat counts once. */
  get orders(): number {
    return this.requests.filter(({ path, status }) => path === NEW_ORDER && status === 201).length
  }

  /** Requests to a resource of Pebble, such as "chalZ". */
  to(resource: string): AcmeRequest[] {
    return this.requests.filter(({ path }) => path.startsWith(`/${resource}`))
  }

  /** How many authorizations were given back (RFC 8555 7.5.2). */
  get deactivated(): number {
    const isGivenBack = ({ payload, status }: AcmeRequest) =>
      status === 200 && (payload as { status?: string } | undefined)?.status === 'deactivated'
    return this.requests.filter(isGivenBack).length
  }

  /** From now on the CA refuses new accounts or new orders (RFC 8555 6.7), with this text for people. */
  refuse(what: 'account' | 'order', detail: string): void {
    const [path, type] =
      what === 'account' ? [NEW_ACCOUNT, 'externalAccountRequired'] : [NEW_ORDER, 'rejectedIdentifier']
    this.#refusals.set(path, JSON.stringify({ type: `urn:ietf:params:acme:error:${type}`, detail }))
  }

  /** From now on the CA never ends signing and asks to come back after so many seconds (RFC 8555 7.4). */
  signForEver(retryAfter: number): void {
    this.#signing = retryAfter
  }

  async open(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    // A test that fails before it closes its proxy must not keep the process.
    this.#server.unref()
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Connections are refused from now on. */
  async shut(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.shut()
    this.#agent.destroy()
  }

  async #pass(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { method = '', url = '' } = asked
    const seen: AcmeRequest = { at: Date.now(), method, path: url, status: 0 }
    this.requests.push(seen)
    try {
      const body = await buffer(asked)
      seen.payload = payloadOf(body)
      const refusal = this.#refusals.get(url)
      if (refusal !== undefined) {
        seen.status = 403
        answer.writeHead(403, { 'content-type': 'application/problem+json' }).end(refusal)
        return
      }
      const { hostname, port } = this.#upstream
      const passed = request({
        hostname,
        port,
        method,
        path: url,
        headers: asked.headers,
        agent: this.#agent,
      })
      passed.end(body)
      const [got] = (await once(passed, 'response')) as [IncomingMessage]
      seen.status = got.statusCode ?? 0
      const told = this.#delayed(url, await buffer(got), got)
      Object.assign(seen, outcome(got, told))
      answer.writeHead(seen.status, got.headers)
      answer.end(told)
    } catch {
      answer.destroy()
    }
  }

  /** The answer about an order that is signed, as that of a CA that is still at it. */
  #delayed(path: string, told: Buffer, { headers, statusCode }: IncomingMessage): Buffer {
    if (this.#signing === undefined || statusCode !== 200 || !ORDER.test(path)) return told
    const order = JSON.parse(told.toString()) as { status?: string }
    if (order.status !== 'valid') return told
    const delayed = Buffer.from(JSON.stringify({ ...order, status: 'processing', certificate: undefined }))
    Object.assign(headers, { 'retry-after': String(this.#signing), 'content-length': String(delayed.length) })
    return delayed
  }
}

function outcome(got: IncomingMessage, body: Buffer): Pick<AcmeRequest, 'answer' | 'state' | 'problem'> {
  const type = got.headers['content-type'] ?? ''
  if (body.length === 0 || !/^application\/(problem\+)?json/.test(type)) return {}
  const told = JSON.parse(body.toString()) as Record<string, unknown> & { status?: unknown; type?: string }
  if (type.startsWith('application/problem')) return { problem: told.type?.split(':').at(-1) }
  return typeof told.status === 'string' ? { answer: told, state: told.status } : { answer: told }
}

/** RFC 7515 7.2.1: the payload of a flattened JWS. */
function payloadOf(body: Buffer): unknown {
  if (body.length === 0) return undefined
  const { payload = '' } = JSON.parse(body.toString()) as { payload?: string }
  return payload === '' ? undefined : JSON.parse(Buffer.from(payload, 'base64url').toString())
}
