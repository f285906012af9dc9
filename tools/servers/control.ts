import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { errorText } from './error.ts'
import type { ManagedProcess, ProcessName } from './managed-process.ts'

/** Where another process may control the servers; the token is as good as the servers themselves. */
export interface ControlEndpoint {
  readonly url: string
  readonly token: string
}

export const actions = ['kill', 'start', 'restart', 'freeze', 'thaw', 'wipe', 'status'] as const
export type Action = (typeof actions)[number]

export interface Control extends ControlEndpoint {
  close(): void
}

/** Serves `POST /<process>/<action>[?signal=SIGTERM]` on a loopback port; answers with the process' status. */
export async function serveControl(processes: ReadonlyMap<ProcessName, ManagedProcess>): Promise<Control> {
  const token = randomBytes(24).toString('base64url')
  const server = createServer((request, response) => {
    void answer(request, response, token, processes)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // The supervisor's pipe keeps the owner alive as long as there are servers; this alone must not.
  server.unref()
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    token,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  token: string,
  processes: ReadonlyMap<ProcessName, ManagedProcess>,
): Promise<void> {
  const say = (status: number, body: object) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  if (!sameText(request.headers.authorization ?? '', `Bearer ${token}`))
    return say(401, { error: 'wrong token' })
  const url = new URL(request.url ?? '/', 'http://127.0.0.1')
  const [, name = '', action = ''] = url.pathname.split('/')
  const target = processes.get(name as ProcessName)
  if (request.method !== 'POST' || !target || !isAction(action))
    return say(404, { error: `no ${url.pathname} here` })
  try {
    if (action === 'kill') await target.kill((url.searchParams.get('signal') ?? 'SIGKILL') as NodeJS.Signals)
    else await target[action]()
    say(200, await target.status())
  } catch (error) {
    say(500, { error: errorText(error) })
  }
}

function isAction(text: string): text is Action {
  return (actions as readonly string[]).includes(text)
}

function sameText(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
