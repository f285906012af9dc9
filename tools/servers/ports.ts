import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { ServersError } from './error.ts'

// Below the range from which systems take the source ports of outgoing connections: a server that is down for a
// moment finds its port free when it comes back.
const lowest = 12_000
const highest = 32_000

export interface PortWish {
  /** Addresses on which the port must be free; 127.0.0.1 when not given. */
  readonly hosts?: readonly string[]
  /** Whether UDP is served too. */
  readonly udp?: boolean
  /** Taken again if it is free, so that addresses survive a restart. */
  readonly preferred?: number
}

/** Finds a free loopback port for every name, no port twice. @throws ServersError when there is none. */
export async function choosePorts<Name extends string>(
  wishes: Readonly<Record<Name, PortWish>>,
): Promise<Record<Name, number>> {
  const taken = new Set<number>()
  const chosen: Partial<Record<Name, number>> = {}
  for (const name of Object.keys(wishes) as Name[]) {
    const port = await choosePort(wishes[name], taken)
    taken.add(port)
    chosen[name] = port
  }
  return chosen as Record<Name, number>
}

async function choosePort(wish: PortWish, taken: ReadonlySet<number>): Promise<number> {
  if (wish.preferred && !taken.has(wish.preferred) && (await isFree(wish.preferred, wish)))
    return wish.preferred
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = randomInt(lowest, highest)
    if (!taken.has(port) && (await isFree(port, wish))) return port
  }
  throw new ServersError(`no free loopback port between ${lowest} and ${highest}: stop other local servers`)
}

async function isFree(port: number, { hosts = ['127.0.0.1'], udp = false }: PortWish): Promise<boolean> {
  for (const host of hosts)
    if (!(await bindsTcp(port, host)) || (udp && !(await bindsUdp(port, host)))) return false
  return true
}

async function bindsTcp(port: number, host: string): Promise<boolean> {
  const server = createServer()
  try {
    server.listen({ port, host, exclusive: true })
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
    return true
  } catch {
    return false
  }
}

async function bindsUdp(port: number, host: string): Promise<boolean> {
  const socket = createSocket('udp4')
  try {
    socket.bind({ port, address: host, exclusive: true })
    await once(socket, 'listening')
    socket.close()
    return true
  } catch {
    return false
  }
}
