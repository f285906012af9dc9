import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import { parseDefaultA, type Fixture } from './fixture.ts'
import { ip, name, record, removal, setting, txt } from './requests.ts'
import { fqdn, isWithin, type ZoneRecord } from './store.ts'

class BadRequest extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

type Route = (fixture: Fixture, body: unknown, path: RegExpExecArray, query: URLSearchParams) => unknown

const routes: [method: string, path: RegExp, route: Route][] = [
  [
    'POST',
    /^\/set-txt$/,
    (fixture, body) => {
      const { host, value } = parse(txt, body)
      requireZone(fixture, host)
      const change = { op: 'add', record: { name: host, type: 'TXT', ttl: 1, data: value } } as const
      return fixture.change(change, { op: 'set-txt', name: host, value })
    },
  ],
  [
    'POST',
    /^\/clear-txt$/,
    (fixture, body) => {
      const { host } = parse(z.strictObject({ host: name }), body)
      return fixture.change({ op: 'remove', name: host, type: 'TXT' }, { op: 'clear-txt', name: host })
    },
  ],
  [
    'POST',
    /^\/delete-txt$/,
    (fixture, body) => {
      const { host, value } = parse(txt, body)
      const change = { op: 'remove', name: host, type: 'TXT', data: value } as const
      return fixture.change(change, { op: 'delete-txt', name: host, value })
    },
  ],
  [
    'POST',
    /^\/records$/,
    (fixture, body) => {
      const { zone, ...added } = parse(record, body)
      requireZone(fixture, added.name, zone)
      const target = typeof added.data === 'string' && (added.type === 'CNAME' || added.type === 'NS')
      const stored = (target ? { ...added, data: fqdn(added.data) } : added) as ZoneRecord
      return fixture.change({ op: 'add', record: stored }, { op: 'add-record', ...stored })
    },
  ],
  [
    'DELETE',
    /^\/records$/,
    (fixture, body) => {
      const { zone, ...removed } = parse(removal, body)
      requireZone(fixture, removed.name, zone)
      const isName = removed.type === 'CNAME' || removed.type === 'NS'
      const data = typeof removed.data === 'string' && isName ? fqdn(removed.data) : removed.data
      return fixture.change({ op: 'remove', ...removed, data }, { op: 'remove-record', ...removed, data })
    },
  ],
  ['POST', /^\/zones$/, (fixture, body) => fixture.addZone(parse(z.strictObject({ name }), body).name)],
  [
    'POST',
    /^\/servers\/([12])$/,
    (fixture, body, path) => fixture.setServer(Number(path[1]) - 1, parse(setting, body)),
  ],
  [
    'GET',
    /^\/servers$/,
    (fixture) =>
      fixture.servers.map(({ mode, replica }, index) => ({
        server: index + 1,
        address: fixture.authoritative[index],
        mode,
        lagMs: replica.lagMs,
        pending: replica.pending,
      })),
  ],
  [
    'POST',
    /^\/default-a$/,
    (fixture, body) => {
      const { address } = parse(z.strictObject({ address: ip(4).nullable() }), body)
      fixture.defaultA = parseDefaultA(address)
      return fixture.journal.add({ kind: 'change', op: 'default-a', address })
    },
  ],
  [
    'GET',
    /^\/zone\/([^/]+)$/,
    (fixture, _body, path) => dump(fixture, fqdn(decodeURIComponent(path[1] ?? ''))),
  ],
  [
    'GET',
    /^\/log$/,
    (fixture, _body, _path, query) => fixture.journal.after(Number(query.get('after') ?? 0)),
  ],
  ['GET', /^\/healthz$/, () => ({ ok: true })],
]

/** The HTTP side: JSON in, JSON out, and an `error` that names the field where the input is wrong. */
export async function serveControl(
  fixture: Fixture,
  address: string,
  port: number,
): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    void handle(fixture, request)
      .catch((error: unknown) => ({
        status: error instanceof BadRequest ? error.status : 500,
        body: { error: error instanceof Error ? error.message : String(error) },
      }))
      .then(({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body) + '\n')
      })
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, address, resolve))
  const bound = server.address() as AddressInfo
  return {
    url: `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`,
    server,
  }
}

async function handle(
  fixture: Fixture,
  request: IncomingMessage,
): Promise<{ status: number; body: unknown }> {
  const url = new URL(request.url ?? '/', 'http://fixture')
  const known = routes.filter(([, path]) => path.test(url.pathname))
  const found = known.find(([method]) => method === request.method)
  if (found === undefined) {
    throw new BadRequest(known.length > 0 ? 405 : 404, `${request.method} ${url.pathname} is not served`)
  }
  const [method, path, route] = found
  const body = method === 'GET' ? undefined : await readJson(request)
  const match = path.exec(url.pathname)
  return { status: 200, body: match === null ? null : route(fixture, body, match, url.searchParams) }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size > 1_000_000) throw new BadRequest(413, 'the body is larger than 1 MB')
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch {
    throw new BadRequest(400, 'the body is not JSON')
  }
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  throw new BadRequest(
    400,
    result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '),
  )
}

function requireZone(fixture: Fixture, host: string, zone?: string): void {
  if (zone !== undefined && !isWithin(host, zone))
    throw new BadRequest(400, `name: ${host} is not within zone ${zone}`)
  if (fixture.truth.zoneOf(host) !== undefined) return
  throw new BadRequest(404, `no zone of this server encloses ${host}: add one with POST /zones`)
}

function dump(fixture: Fixture, zoneName: string): unknown {
  const zone = fixture.truth.zones.get(zoneName)
  if (zone === undefined)
    throw new BadRequest(404, `zone ${zoneName} is not served here: add it with POST /zones`)
  const servers = fixture.servers.map(({ replica }) => {
    const seen = replica.current(performance.now()).zones.get(zoneName)
    return {
      serial: seen?.serial,
      pending: replica.pending,
      records: [...(seen?.records.values() ?? [])].flat(),
    }
  })
  return { zone: zoneName, serial: zone.serial, records: [...zone.records.values()].flat(), servers }
}
