import { createServer } from 'node:http'
import type { Logger } from '../activities/deps.ts'

export interface Health {
  close(): Promise<void>
}

/** /healthz says that the process lives, /readyz whether it serves. `address` is host:port; empty: no listener. */
export function serveHealth(address: string, ready: () => boolean, log: Logger): Health {
  if (address === '') return { close: () => Promise.resolve() }
  const server = createServer((request, response) => {
    const known = request.url === '/healthz' || request.url === '/readyz'
    const good = request.url === '/healthz' || (request.url === '/readyz' && ready())
    response.writeHead(known ? (good ? 200 : 503) : 404, { 'content-type': 'text/plain' })
    response.end(known ? (good ? 'ok\n' : 'not ready\n') : 'not found\n')
  })
  const [host, port] = [
    address.slice(0, address.lastIndexOf(':')),
    Number(address.slice(address.lastIndexOf(':') + 1)),
  ]
  server.on('error', (error) => log.error({ error: String(error), address }, 'health listener failed'))
  server.listen(port, host === '' ? undefined : host)
  return {
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
