import { createServer, type Server, type ServerResponse } from 'node:http'
import type { Logger } from '../activities/deps.ts'
import { isRequired, passed, runChecks, type Check, type CheckResult } from './telemetry/checks.ts'

/** What the listeners serve. The checks of a role are there from its first moment, and fail until it is up. */
export interface Served {
  /** /healthz and /livez: fails only where a restart of the process would help. */
  live: readonly Check[]
  /** /readyz: whether the process does its work, or would if it held the Lease. */
  ready: readonly Check[]
  /** /metrics: its text. */
  metrics: () => Promise<string>
  metricsType: string
}

export interface Listeners {
  close(): Promise<void>
}

const LIMITS = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 8 * 1024,
} as const
/** Probes and scrapers are few. */
const MOST_CONNECTIONS = 64

/**
 * Listens for probes and scrapes. `health` and `metrics` are host:port, empty for none; the same text twice makes one
 * listener for both. Throws where an address cannot be listened at: a process that cannot be watched must not run.
 */
export async function serveHealth(
  addresses: { health: string; metrics: string },
  served: Served,
  log: Logger,
): Promise<Listeners> {
  const servers: Server[] = []
  const listen = async (address: string, setting: string, what: { health: boolean; metrics: boolean }) => {
    const server = createServer(LIMITS, (request, response) => {
      answer(served, what, request.method ?? '', request.url ?? '/', response).catch((error: unknown) => {
        log.error({ error: String(error), path: request.url }, 'probe or scrape cannot be answered')
        if (!response.headersSent) send(response, 500, 'internal error\n')
        else response.destroy()
      })
      request.resume()
    })
    server.maxConnections = MOST_CONNECTIONS
    servers.push(server)
    await listening(server, address, setting)
  }
  const { health, metrics } = addresses
  if (health !== '') {
    await listen(health, 'CERTLOOM_HEALTH_ADDRESS', { health: true, metrics: health === metrics })
  }
  if (metrics !== '' && metrics !== health) {
    await listen(metrics, 'CERTLOOM_METRICS_ADDRESS', { health: false, metrics: true })
  }
  return {
    close: async () => {
      await Promise.all(servers.map(closed))
    },
  }
}

async function answer(
  served: Served,
  what: { health: boolean; metrics: boolean },
  method: string,
  url: string,
  response: ServerResponse,
): Promise<void> {
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    return send(response, 405, 'use GET\n')
  }
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  if (what.metrics && pathname === '/metrics') {
    response.setHeader('content-type', served.metricsType)
    return send(response, 200, await served.metrics())
  }
  const [, root = '', name, ...more] = pathname.split('/')
  const checks = { healthz: served.live, livez: served.live, readyz: served.ready }[root]
  if (!what.health || checks === undefined || more.length > 0) return send(response, 404, 'not found\n')
  const chosen = name === undefined ? checks : checks.filter((check) => check.name === name)
  if (name !== undefined && chosen.length === 0) return send(response, 404, `there is no check ${name}\n`)
  // A probe must not wait for what is only shown.
  const full = searchParams.has('verbose') || name !== undefined
  const results = await runChecks(full ? chosen : chosen.filter(isRequired))
  const good = passed(results)
  // Like kube-apiserver: a failure always says what failed.
  const text = good && !searchParams.has('verbose') ? 'ok\n' : verbose(root, results, good)
  send(response, good ? 200 : 503, text)
}

function verbose(root: string, results: readonly CheckResult[], good: boolean): string {
  const lines = results.map(({ name, reason, required }) => {
    if (reason === undefined) return `[+]${name} ok`
    return `[-]${name} failed: ${reason}${required ? '' : ' (shown only)'}`
  })
  return [...lines, `${root} check ${good ? 'passed' : 'failed'}`, ''].join('\n')
}

function send(response: ServerResponse, status: number, text: string): void {
  if (!response.hasHeader('content-type')) response.setHeader('content-type', 'text/plain; charset=utf-8')
  response.setHeader('cache-control', 'no-store')
  response.writeHead(status)
  response.end(text)
}

async function listening(server: Server, address: string, setting: string): Promise<void> {
  const at = address.lastIndexOf(':')
  const [host, port] = [address.slice(0, at).replace(/^\[(.*)\]$/, '$1'), Number(address.slice(at + 1))]
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new Error(`${setting}: cannot listen at ${address}: ${error.message}`, { cause: error })),
    )
    server.listen(port, host === '' ? undefined : host, resolve)
  })
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
