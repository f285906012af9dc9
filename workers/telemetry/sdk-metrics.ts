import { createServer } from 'node:net'
import { get } from 'node:http'

/** How long the exporter may take to answer, in milliseconds. */
const TIMEOUT_MS = 2_000

/**
 * A loopback address for the exporter of the Temporal SDK. It serves on a port of its own; users want one, so /metrics
 * fetches its text from there.
 */
export async function freeLoopbackAddress(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  await new Promise<void>((resolve) => server.close(() => resolve()))
  if (address === null || typeof address === 'string') throw new Error('no loopback port is free')
  return `127.0.0.1:${address.port}`
}

/** The SDK's metrics, temporal_*, as its exporter serves them. */
export function sdkMetrics(address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(`http://${address}/metrics`, { timeout: TIMEOUT_MS, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve(text))
      response.on('error', reject)
    })
    request.on('timeout', () =>
      request.destroy(new Error('the exporter of the Temporal SDK does not answer')),
    )
    request.on('error', reject)
  })
}
