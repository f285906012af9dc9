import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'

export interface StubObject {
  metadata: {
    name: string
    namespace: string
    uid: string
    resourceVersion: string
    labels?: Record<string, string>
  }
  [field: string]: unknown
}

export interface SeenRequest {
  kind: 'list' | 'watch' | 'other'
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
  body: string
  /** performance.now() of its arrival. */
  at: number
}

/** Answers instead of the stub; returns false to let the stub answer after all. */
export type Fault = (response: ServerResponse, request: SeenRequest) => boolean | void

interface Change {
  version: number
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  object: StubObject
}

/** One resource behind a real HTTP server that lists, pages and watches as an API server does, and misbehaves on demand. */
export class ApiStub {
  readonly requests: SeenRequest[] = []
  readonly faults: Record<'list' | 'watch' | 'other', Fault[]> = { list: [], watch: [], other: [] }
  /** Faults of every request of that kind, after the single ones are used up. */
  readonly always: Partial<Record<'list' | 'watch' | 'other', Fault>> = {}
  readonly sockets = new Set<Socket>()
  /** All connections that were ever opened. */
  connections = 0
  readonly objects = new Map<string, StubObject>()
  /** Objects per page at most, whatever the client asks for. */
  pageSize = 500
  version = 100
  #compacted = 0
  #uids = 0
  #changes: Change[] = []
  readonly #watches = new Set<ServerResponse>()
  readonly #server: Server
  #port = 0

  constructor(tls?: ServerOptions) {
    const listener: RequestListener = (request, response) => void this.#serve(request, response)
    this.#server = tls ? createTlsServer(tls, listener) : createServer(listener)
    this.#server.on('connection', (socket: Socket) => {
      this.connections++
      this.sockets.add(socket)
      socket.on('close', () => this.sockets.delete(socket))
    })
  }

  get port(): number {
    return this.#port
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  get openWatches(): number {
    return this.#watches.size
  }

  count(kind: SeenRequest['kind']): number {
    return this.requests.filter((request) => request.kind === kind).length
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve))
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** As kill -9: connections are reset, the state is kept for another `start`. */
  async kill(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.sockets) socket.resetAndDestroy()
    await closed
  }

  put(name: string, fields: Record<string, unknown> = {}, namespace = 'team'): StubObject {
    const known = this.objects.get(`${namespace}/${name}`)
    const uid = known?.metadata.uid ?? `uid-${++this.#uids}`
    const object: StubObject = {
      ...fields,
      metadata: { name, namespace, uid, resourceVersion: String(++this.version) },
    }
    this.objects.set(`${namespace}/${name}`, object)
    this.#publish({ version: this.version, type: known ? 'MODIFIED' : 'ADDED', object })
    return object
  }

  remove(name: string, namespace = 'team'): void {
    const key = `${namespace}/${name}`
    const known = this.objects.get(key)
    if (!known) return
    this.objects.delete(key)
    const metadata = { ...known.metadata, resourceVersion: String(++this.version) }
    this.#publish({ version: this.version, type: 'DELETED', object: { ...known, metadata } })
  }

  bookmark(): void {
    this.send(
      JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: String(this.version) } } }) +
        '\n',
    )
  }

  /** Raw bytes on every open watch. */
  send(bytes: string | Uint8Array): void {
    for (const watch of this.#watches) watch.write(bytes)
  }

  endWatches(): void {
    for (const watch of this.#watches) watch.end()
    this.#watches.clear()
  }

  resetWatches(): void {
    for (const watch of this.#watches) watch.socket?.resetAndDestroy()
  }

  /** Versions up to now can no longer be watched. */
  compact(): void {
    this.#compacted = this.version
    this.#changes = []
  }

  /** The state as it was, versions set back, as after etcd is restored from a backup. */
  restore(objects: StubObject[], version: number): void {
    this.objects.clear()
    for (const object of objects)
      this.objects.set(`${object.metadata.namespace}/${object.metadata.name}`, object)
    this.version = version
    this.#changes = []
    this.#compacted = 0
    this.resetWatches()
  }

  #publish(change: Change): void {
    this.#changes.push(change)
    this.send(line(change))
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '/', 'http://stub')
    const query = url.searchParams
    const method = incoming.method ?? ''
    const plainGet = method === 'GET' && url.pathname === RESOURCE
    const kind = !plainGet ? 'other' : query.get('watch') ? 'watch' : 'list'
    const at = performance.now()
    const body = await text(incoming).catch(() => '')
    const request: SeenRequest = {
      kind,
      method,
      path: url.pathname,
      query,
      headers: incoming.headers,
      body,
      at,
    }
    this.requests.push(request)
    const fault = this.faults[kind].shift() ?? this.always[kind]
    if (fault && fault(response, request) !== false) return
    if (kind === 'list') this.#list(request, response)
    else if (kind === 'watch') this.#watch(request, response)
    else status(404, 'NotFound', 'not found')(response, request)
  }

  #list({ query }: SeenRequest, response: ServerResponse): void {
    const all = [...this.objects.values()]
    const from = Number(query.get('continue') ?? 0)
    const asked = Number(query.get('limit') ?? 0)
    const limit = asked === 0 ? all.length : Math.min(asked, this.pageSize)
    const more = from + limit < all.length
    json(response, 200, {
      kind: 'List',
      metadata: { resourceVersion: String(this.version), ...(more && { continue: String(from + limit) }) },
      items: all.slice(from, from + limit),
    })
  }

  #watch({ query }: SeenRequest, response: ServerResponse): void {
    const from = Number(query.get('resourceVersion'))
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    if (from < this.#compacted) {
      response.end(line({ type: 'ERROR', object: expired() }))
      return
    }
    for (const change of this.#changes) if (change.version > from) response.write(line(change))
    this.#watches.add(response)
    response.on('close', () => this.#watches.delete(response))
  }
}

export const RESOURCE = '/apis/example.org/v1/things'

export function line(event: object): string {
  return JSON.stringify(event) + '\n'
}

export function expired(): object {
  return { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version: 1 (2)' }
}

/** An answer with a Status. */
export function status(
  code: number,
  reason: string,
  message: string,
  headers: Record<string, string> = {},
): Fault {
  return (response) =>
    json(response, code, { kind: 'Status', code, reason, message, details: { name: 'x' } }, headers)
}

/** A watch that sends these lines and then ends in order. */
export function stream(...lines: string[]): Fault {
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(lines.join(''))
  }
}

/** Nothing at all, for ever. */
export const silence: Fault = () => undefined

/** Headers, then nothing. */
export const openSilence: Fault = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.flushHeaders()
}

export const reset: Fault = (response) => {
  response.socket?.resetAndDestroy()
}

export function json(
  response: ServerResponse,
  code: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(code, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}
