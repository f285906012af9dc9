import { formatServer } from '../clients/dns/server-address.ts'
import { query, type DnsAnswer, type DnsFailure } from '../clients/dns/query.ts'
import { cleanText } from '../clean-text.ts'
import { nextHop } from './cname.ts'
import type { DnsConfig } from './dns-config.ts'
import { findZone, type NameServer, type Zone } from './zone.ts'

export interface ExpectedRecord {
  /** `_acme-challenge.example.com`, with or without a dot at the end. */
  fqdn: string
  /** The TXT value (RFC 8555 section 8.4). */
  value: string
}

/**
 * - `shows`: the value is there;
 * - `missing`: the server speaks for the zone and does not have it;
 * - `silent`: no verdict, because it does not answer, refuses, fails or does not serve the zone.
 */
export type ServerState = 'shows' | 'missing' | 'silent'

export interface ServerFinding {
  /** Name of the name server without the last dot, or `resolver ip:port`. */
  name: string
  /** The address that was asked last; empty for a resolver, and when there is none to ask. */
  address: string
  state: ServerState
  /** Completes "ns2.example.com (192.0.2.3) …". */
  detail: string
}

export interface Look {
  /** Every server with a verdict shows the value, and there is at least one. */
  seen: boolean
  /** For people, at most 256 characters: which server does not show the value, and what it says instead. */
  finding: string
  servers: ServerFinding[]
}

export interface LookDeps {
  signal?: AbortSignal
  /** Where zones come from; `findZone` when absent. */
  locate?: (name: string) => Promise<Zone>
}

/** Long enough for a far server and one retransmission, short enough for a growing interval. */
const SERVER_TIMEOUT_MS = 2000

/**
 * One look at the record: all authoritative servers of its zone at once, directly; or the resolvers alone when the
 * configuration says so. CNAMEs are followed, as the CA will.
 *
 * @throws CertloomError ZoneNotFound, or the reason of the signal.
 */
export async function look(record: ExpectedRecord, config: DnsConfig, deps: LookDeps = {}): Promise<Look> {
  if (config.recursiveOnly) return summarize(await lookAtResolvers(record, config, deps.signal), 'resolvers')
  const locate = deps.locate ?? ((name: string) => findZone(name, config, deps))
  const servers: ServerFinding[] = []
  let zone = await locate(record.fqdn)
  for (const chain = [zone.name]; ;) {
    const { name, nameservers } = zone
    const answers = await Promise.all(
      nameservers.map((server) => askServer(server, name, record.value, config, deps.signal)),
    )
    const alias = answers.find((answer) => answer.alias !== undefined)?.alias
    // A server that answers with the alias has nothing more to say; the others are still behind.
    servers.push(...answers.filter((answer) => answer.alias === undefined).map(({ finding }) => finding))
    if (alias === undefined) return summarize(servers, `name servers of ${bare(zone.zone)}`)
    // The resolvers did not know this CNAME yet (a negative answer is still in their caches), the zone itself does.
    zone = await locate(nextHop(chain, alias))
  }
}

async function lookAtResolvers(
  { fqdn, value }: ExpectedRecord,
  config: DnsConfig,
  signal: AbortSignal | undefined,
): Promise<ServerFinding[]> {
  const timeoutMs = SERVER_TIMEOUT_MS
  return Promise.all(
    config.recursiveNameservers.map(async (server) => {
      const answer = await query({
        server,
        name: fqdn,
        type: 'TXT',
        recursionDesired: true,
        timeoutMs,
        signal,
      })
      return {
        name: `resolver ${server}`,
        address: '',
        ...judge(answer, value, endOfAliases(answer, fqdn), true),
      }
    }),
  )
}

interface Asked {
  finding: ServerFinding
  /** Where the server's CNAMEs lead, when their end is not in its answer. */
  alias?: string
}

async function askServer(
  server: NameServer,
  name: string,
  value: string,
  config: DnsConfig,
  signal: AbortSignal | undefined,
): Promise<Asked> {
  const refused = server.refused.join(', ')
  const detail = refused === '' ? 'has no address' : `is not asked at ${refused}`
  let finding: ServerFinding = { name: bare(server.name), address: '', state: 'silent', detail }
  for (const address of server.addresses) {
    const at = formatServer({ address, port: config.authoritativePort })
    const answer = await query({ server: at, name, type: 'TXT', timeoutMs: SERVER_TIMEOUT_MS, signal })
    const end = endOfAliases(answer, name)
    finding = { name: bare(server.name), address, ...judge(answer, value, end, false) }
    if (end !== name && finding.state === 'missing') return { finding, alias: end }
    // The next address is for a server that this one does not reach.
    if (answer.ok || (answer.error !== 'timeout' && answer.error !== 'unreachable')) break
  }
  return { finding }
}

function judge(
  answer: DnsAnswer | DnsFailure,
  value: string,
  end: string,
  recursive: boolean,
): { state: ServerState; detail: string } {
  if (!answer.ok) {
    const isSilence = answer.error === 'timeout' || answer.error === 'unreachable'
    return { state: 'silent', detail: isSilence ? `does not answer: ${answer.detail}` : answer.detail }
  }
  const values = answer.answers.filter((record) => record.type === 'TXT' && record.name === end)
  // AA is not asked for: a transparent DNS proxy on the way clears it and still tells the truth.
  if (values.some((record) => record.data === value)) return { state: 'shows', detail: 'shows it' }
  if (!recursive && !answer.authoritative)
    return { state: 'silent', detail: 'is not authoritative for the zone' }
  const others = new Set(values.map((record) => record.data)).size
  const instead =
    others > 0
      ? `answers ${others} other value${others === 1 ? '' : 's'}`
      : answer.rcode === 'NXDOMAIN'
        ? 'says that the name does not exist'
        : 'has no TXT record there'
  return { state: 'missing', detail: `does not show it yet: ${instead}` }
}

function endOfAliases(answer: DnsAnswer | DnsFailure, name: string): string {
  let end = name.toLowerCase().replace(/\.*$/, '.')
  if (!answer.ok) return end
  for (const chain = [end]; ;) {
    const alias = answer.answers.find((record) => record.type === 'CNAME' && record.name === end)
    if (alias === undefined) return end
    end = nextHop(chain, alias.data)
  }
}

function summarize(servers: ServerFinding[], whose: string): Look {
  const behind = servers.filter((server) => server.state !== 'shows')
  const showing = servers.length - behind.length
  // The ones that answer without the value first: they decide, and the text may be cut.
  behind.sort((a, b) => Number(a.state === 'silent') - Number(b.state === 'silent'))
  const all = behind.length === 0 ? `all ${showing} ${whose} show it` : behind.map(describe).join('; ')
  const seen = showing > 0 && behind.every((server) => server.state === 'silent')
  return { seen, finding: cleanText(servers.length === 0 ? `no ${whose} to ask` : all), servers }
}

function describe({ name, address, detail }: ServerFinding): string {
  return `${name}${address === '' ? '' : ` (${address})`} ${detail}`
}

function bare(name: string): string {
  return cleanText(name.replace(/\.$/, ''))
}
