import { isIP, isIPv6 } from 'node:net'

export interface ServerAddress {
  address: string
  port: number
}

/**
 * Reads `ip:port`, `[ipv6]:port` or a bare address (port 53).
 *
 * @throws RangeError that says what is expected.
 */
export function parseServer(text: string): ServerAddress {
  const [address, portText] = split(text.trim())
  const port = portText === undefined ? 53 : Number(portText)
  const isPort = portText === undefined || /^\d{1,5}$/.test(portText)
  if (isIP(address) === 0 || !isPort || port < 1 || port > 65535) {
    throw new RangeError(`"${text}" is not a DNS server: write an IP address and a port, as in 10.0.0.53:53`)
  }
  return { address, port }
}

function split(text: string): [string, string | undefined] {
  if (isIP(text) !== 0) return [text, undefined]
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text)
  if (bracketed !== null) return [bracketed[1] ?? '', bracketed[2]]
  const colon = text.lastIndexOf(':')
  return colon < 0 ? [text, undefined] : [text.slice(0, colon), text.slice(colon + 1)]
}

/** The text form that `parseServer` reads: `10.0.0.53:53`, `[2001:db8::53]:53`. */
export function formatServer({ address, port }: ServerAddress): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`
}
