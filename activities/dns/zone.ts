import { refusedAddress } from '../clients/addresses.ts'
import { fqdn, query, type DnsAnswer, type DnsFailure, type QueryType } from '../clients/dns/query.ts'
import { CertloomError } from '../failure.ts'
import { followAliases } from './cname.ts'
import type { DnsConfig } from './dns-config.ts'

export interface NameServer {
  /** With a dot at the end. */
  name: string
  /** The addresses that may be asked, IPv4 first. */
  addresses: string[]
  /** Addresses that are not asked, each with the reason: `127.0.0.3 (a loopback address)`. */
  refused: string[]
}

export interface Zone {
  /** The name asked for, or the end of its CNAMEs. */
  name: string
  /** Apex of the zone that holds the name. */
  zone: string
  nameservers: NameServer[]
}

/** More than any zone needs, and a bound on what a tenant's zone can make us ask. */
const MAX_NAME_SERVERS = 13
const MAX_ADDRESSES = 4

/**
 * Finds the zone of a name, after its CNAMEs, and the zone's name servers through the resolvers: the first SOA on the
 * way up (RFC 1034 section 4.2). A resolver that leads only to the root or a top-level domain is not believed; the
 * next one is asked, because a provider would refuse such a zone much later and with less to say.
 *
 * @throws CertloomError ZoneNotFound that names each resolver and its SOA answers.
 */
export async function findZone(
  name: string,
  config: DnsConfig,
  deps: { signal?: AbortSignal } = {},
): Promise<Zone> {
  const findings: string[] = []
  for (const resolver of config.recursiveNameservers) {
    const lookup = new ResolverLookup(resolver, config, deps.signal)
    const found = await lookup.find(fqdn(name))
    if (found !== undefined) return found
    findings.push(`resolver ${resolver} ${lookup.finding}`)
  }
  throw new CertloomError('ZoneNotFound', `no usable zone for ${fqdn(name)}: ${findings.join('; ')}`)
}

class ResolverLookup {
  readonly #resolver: string
  readonly #config: DnsConfig
  readonly #signal: AbortSignal | undefined
  /** Why `find` came back without a zone; completes "resolver <ip:port> …". */
  finding = ''

  constructor(resolver: string, config: DnsConfig, signal: AbortSignal | undefined) {
    this.#resolver = resolver
    this.#config = config
    this.#signal = signal
  }

  async find(name: string): Promise<Zone | undefined> {
    let end = name
    let answer = await this.#ask(name, 'SOA')
    const isAlias =
      answer.ok && answer.answers.some((record) => record.type === 'CNAME' && record.name === name)
    // An error can be a loop of CNAMEs, which is worth naming.
    if (isAlias || !answer.ok) {
      const aliases = await followAliases(name, this.#resolver, this.#signal)
      if (aliases.ok && aliases.name !== name) {
        end = aliases.name
        answer = await this.#ask(end, 'SOA')
      }
    }
    const zone = await this.#walk(end, answer)
    return zone === undefined ? undefined : this.#withNameServers(end, zone)
  }

  async #walk(name: string, first: DnsAnswer | DnsFailure): Promise<string | undefined> {
    const given: string[] = []
    let answer = first
    for (
      let candidate = name;
      ;
      candidate = parentOf(candidate), answer = await this.#ask(candidate, 'SOA')
    ) {
      if (!answer.ok) {
        this.finding = `${answer.detail} for the SOA of ${candidate}`
        return undefined
      }
      const apex = soaOwner(answer, candidate)
      if (apex !== undefined && labels(apex) > 1) return apex
      given.push(`${apex === undefined ? 'no SOA' : `SOA ${apex}`} for ${candidate}`)
      if (labels(candidate) <= 2) break
    }
    this.finding = `leads only to a top-level zone: ${given.join(', ')}`
    return undefined
  }

  async #withNameServers(name: string, zone: string): Promise<Zone | undefined> {
    const answer = await this.#ask(zone, 'NS')
    const hosts = answer.ok
      ? answer.answers.filter((record) => record.type === 'NS' && record.name === zone)
      : []
    if (!answer.ok || hosts.length === 0) {
      this.finding = answer.ok ? `names no name server of ${zone}` : `${answer.detail} for the NS of ${zone}`
      return undefined
    }
    const names = [...new Set(hosts.map((record) => record.data))].slice(0, MAX_NAME_SERVERS)
    const nameservers = await Promise.all(names.map((host) => this.#nameServer(host)))
    if (nameservers.some((server) => server.addresses.length > 0)) return { name, zone, nameservers }
    const refused = nameservers.flatMap((server) =>
      server.refused.map((address) => `${server.name} ${address}`),
    )
    this.finding =
      refused.length === 0
        ? `knows no address of the name servers of ${zone} (${names.join(', ')})`
        : `gives name servers of ${zone} only addresses that must not be asked unless the operator allows private ` +
          `name servers: ${refused.join(', ')}`
    return undefined
  }

  async #nameServer(name: string): Promise<NameServer> {
    const answers = await Promise.all([this.#ask(name, 'A'), this.#ask(name, 'AAAA')])
    const all = answers.flatMap((answer, index) => {
      const type = index === 0 ? 'A' : 'AAAA'
      return answer.ok
        ? answer.answers.filter((record) => record.type === type).map((record) => record.data)
        : []
    })
    const server: NameServer = { name, addresses: [], refused: [] }
    for (const address of all.slice(0, MAX_ADDRESSES)) {
      const reason = this.#config.allowPrivateNameservers ? undefined : refusedAddress(address)
      if (reason === undefined) server.addresses.push(address)
      else server.refused.push(`${address} (${reason})`)
    }
    return server
  }

  #ask(name: string, type: QueryType): Promise<DnsAnswer | DnsFailure> {
    return query({ server: this.#resolver, name, type, recursionDesired: true, signal: this.#signal })
  }
}

/**
 * The apex that an answer to a SOA question tells: the record itself, or the one that comes with "no such data"
 * (RFC 2308). One that does not enclose the name is no answer, and behind a CNAME it belongs to another name.
 */
function soaOwner(answer: DnsAnswer, name: string): string | undefined {
  const own = answer.answers.find((record) => record.type === 'SOA' && record.name === name)
  if (own !== undefined) return name
  if (answer.answers.some((record) => record.type === 'CNAME')) return undefined
  const owner = answer.authorities.find((record) => record.type === 'SOA')?.name
  return owner !== undefined && (owner === '.' || name.endsWith(`.${owner}`)) ? owner : undefined
}

function parentOf(name: string): string {
  return name.slice(name.indexOf('.') + 1)
}

function labels(name: string): number {
  return name.split('.').filter(Boolean).length
}
