import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { timingSafeEqual } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import type { PayloadCodec } from '@temporalio/common'
import { BadRequest, transform } from './answer.ts'

export interface CodecServerOptions {
  host: string
  /** 0: any free one. */
  port: number
  /** Whose pages may ask, such as `https://temporal.example.com`. */
  origins: readonly string[]
  /** Asked for as `Authorization: Bearer <token>`; empty: nobody is asked. */
  token: string
  /** The Temporal namespace whose payloads are decoded; others are refused. */
  namespace: string
  codecs: readonly PayloadCodec[]
  log: (line: string) => void
}

export interface CodecServer {
  url: string
  close(): Promise<void>
}

/** Temporal's own limit for one gRPC message is 4 MB; a page of a history in base64 stays below this. */
const MAX_BODY_BYTES = 16 * 1024 * 1024
const TIMEOUT_MS = 10_000

/** Serves `POST /encode` and `POST /decode` of Temporal's remote codec protocol to its UI and CLI. */
export async function serveCodec(options: CodecServerOptions): Promise<CodecServer> {
  const server = createServer((request, response) => {
    void answer(options, request, response).catch((error: unknown) => {
      options.log(`${request.method} ${request.url}: ${String(error)}`)
      if (!response.headersSent)
        say(response, 500, { message: 'the codec server made a mistake; see its log' })
    })
  })
  server.headersTimeout = TIMEOUT_MS
  server.requestTimeout = TIMEOUT_MS
  server.maxConnections = 200
  server.listen(options.port, options.host)
  await once(server, 'listening')
  const { address, port, family } = server.address() as AddressInfo
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function answer(
  options: CodecServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { origin } = request.headers
  // A browser keeps the answer from a page whose origin is not named here.
  if (origin !== undefined && options.origins.includes(origin)) {
    response.setHeader('access-control-allow-origin', origin)
    response.setHeader('access-control-allow-credentials', 'true')
    response.setHeader('access-control-allow-methods', 'POST, OPTIONS')
    response.setHeader('access-control-allow-headers', 'content-type, x-namespace, authorization')
    response.setHeader('vary', 'origin')
  } else if (origin !== undefined) {
    return refuse(
      response,
      403,
      `the origin ${shown(origin)} may not ask: start the codec server with --origin ${shown(origin)}`,
    )
  }
  const direction = /^\/(encode|decode)\/?$/.exec((request.url ?? '').split('?')[0] ?? '')?.[1]
  if (direction === undefined) return refuse(response, 404, 'there are POST /encode and POST /decode here')
  if (request.method === 'OPTIONS') return void response.writeHead(204).end()
  if (request.method !== 'POST') return refuse(response, 405, 'use POST', { allow: 'POST, OPTIONS' })
  if (!isAllowed(request, options.token)) {
    return refuse(
      response,
      401,
      'wrong or no token: send "Authorization: Bearer <token>" (temporal --codec-auth)',
      { 'www-authenticate': 'Bearer' },
    )
  }
  const namespace = request.headers['x-namespace'] ?? options.namespace
  if (namespace !== options.namespace)
    return refuse(
      response,
      403,
      `the namespace ${shown(String(namespace))} is not served here, only ${options.namespace}`,
    )
  const body = await bodyOf(request)
  if (body === undefined)
    return refuse(response, 413, `the body is larger than ${MAX_BODY_BYTES} bytes`, { connection: 'close' })
  try {
    const text = await transform(body, direction as 'encode' | 'decode', options.codecs)
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(text)
  } catch (error) {
    if (!(error instanceof BadRequest)) throw error
    options.log(`${direction} refused: ${error.message}`)
    refuse(response, 400, error.message)
  }
}

/** Undefined where it is too large; the rest is not read. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return undefined
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function isAllowed({ headers }: IncomingMessage, token: string): boolean {
  if (token === '') return true
  const [given, wanted] = [Buffer.from(headers.authorization ?? ''), Buffer.from(`Bearer ${token}`)]
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

function refuse(
  response: ServerResponse,
  status: number,
  message: string,
  headers: Record<string, string> = {},
): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  say(response, status, { message })
}

function say(response: ServerResponse, status: number, answer: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
}

function shown(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, '?').slice(0, 200)
}
