import { isIP } from 'node:net'
import type { Answer } from 'dns-packet'
import { formatServer } from '../../activities/clients/dns/server-address.ts'
import { answerFrom, bareReply, type Reply } from './answer.ts'
import { Journal, type Logged, type ServerName } from './journal.ts'
import { listen, type Asked, type Handler } from './listen.ts'
import { createResolver } from './resolver.ts'
import { fqdn, Replica, View, type Change } from './store.ts'

export const modes = ['answer', 'refuse', 'servfail', 'drop', 'hold'] as const
export type Mode = (typeof modes)[number]

export interface FixtureOptions {
  /** Two addresses; both servers get the same port number. */
  authoritative: { addresses: readonly [string, string]; port: number }
  resolver: { address: string; port: number }
  zones: readonly string[]
  defaultA: string | null
  log?: string | undefined
}

export interface Fixture {
  /** `ip:port` of both authoritative servers and of the resolver. */
  authoritative: string[]
  resolver: string
  journal: Journal
  /** What both servers will show once they have caught up. */
  truth: View
  servers: readonly { replica: Replica; mode: Mode }[]
  defaultA: string | null
  addZone(name: string): Logged
  /** Makes the change known to both servers, each of which shows it in its own time. */
  change(change: Change, log: { op: string; [field: string]: unknown }): Logged
  setServer(index: number, setting: { lagMs?: number | undefined; mode?: Mode | undefined }): Logged
  close(): Promise<void>
}

export async function startFixture(options: FixtureOptions): Promise<Fixture> {
  const journal = new Journal(options.log)
  const truth = new View()
  const newServer = (): { replica: Replica; mode: Mode } => ({ replica: new Replica(), mode: 'answer' })
  const servers = options.authoritative.addresses.map(newServer)
  const [first, second] = servers
  if (first === undefined || second === undefined)
    throw new RangeError('two authoritative addresses are needed')

  const authoritative = await listen(
    servers.map((server, index) => ({
      address: options.authoritative.addresses[index] ?? '',
      handler: logged(journal, index === 0 ? 'auth1' : 'auth2', (asked) => answerAs(server, asked)),
    })),
    options.authoritative.port,
  )
  const addresses = authoritative.map(formatServer)
  const fixture: Fixture = {
    authoritative: addresses,
    resolver: '',
    journal,
    truth,
    servers,
    defaultA: options.defaultA,
    addZone(zone) {
      const name = fqdn(zone)
      const nameServers = options.authoritative.addresses.map((address, index) => ({
        name: `ns${index + 1}.${name}`,
        address,
      }))
      for (const view of [truth, first.replica, second.replica]) view.addZone(name, nameServers)
      return journal.add({ kind: 'change', op: 'add-zone', name })
    },
    change(change, log) {
      truth.apply(change)
      for (const { replica } of servers) replica.record(change, performance.now())
      return journal.add({ kind: 'change', ...log })
    },
    setServer(index, { lagMs, mode }) {
      const server = servers[index]
      if (server === undefined) throw new RangeError('there are servers 1 and 2')
      // What is visible so far stays visible; a new lag holds for what is not.
      server.replica.current(performance.now())
      if (lagMs !== undefined) server.replica.lagMs = lagMs
      if (mode !== undefined) {
        server.mode = mode
        server.replica.hold = mode === 'hold'
      }
      return journal.add({ kind: 'change', op: 'set-server', server: index + 1, lagMs, mode })
    },
    async close() {
      await Promise.all([...authoritative, ...resolver].map((server) => server.close()))
      journal.close()
    },
  }
  const resolve = createResolver({ zones: () => truth, servers: addresses, defaultA: () => fixture.defaultA })
  const resolver = await listen(
    [{ address: options.resolver.address, handler: logged(journal, 'resolver', resolve), recursive: true }],
    options.resolver.port,
  )
  fixture.resolver = resolver.map(formatServer).join()
  for (const zone of options.zones) fixture.addZone(zone)
  return fixture
}

function answerAs(server: { replica: Replica; mode: Mode }, { name, type }: Asked): Reply | undefined {
  switch (server.mode) {
    case 'drop':
      return undefined
    case 'refuse':
      return bareReply('REFUSED')
    case 'servfail':
      return bareReply('SERVFAIL')
    case 'answer':
    case 'hold':
      return answerFrom(server.replica.current(performance.now()), name, type)
  }
}

function logged(journal: Journal, server: ServerName, handler: Handler): Handler {
  return async (asked) => {
    const reply = await handler(asked)
    journal.add({
      kind: 'query',
      server,
      transport: asked.transport,
      port: asked.client.port,
      name: asked.name,
      type: asked.type,
      result: reply?.rcode ?? 'none',
      answers: (reply?.answers ?? []).map(text),
    })
    return reply
  }
}

function text(record: Answer): string {
  if (record.type === 'TXT') return [record.data].flat().map(String).join('')
  if (record.type === 'SOA') return record.data.mname
  if (record.type === 'OPT') return ''
  return typeof record.data === 'string' ? record.data : JSON.stringify(record.data)
}

export function parseDefaultA(value: string | null): string | null {
  if (value === null || value === 'none') return null
  if (isIP(value) !== 4)
    throw new RangeError(`the default A record must be an IPv4 address or "none", not "${value}"`)
  return value
}
