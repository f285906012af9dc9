import { RECURSION_DESIRED } from 'dns-packet'
import type { Answer } from 'dns-packet'
import { exchange, type DnsMessage, type ExchangeResult } from './exchange.ts'

export type QueryType = 'A' | 'AAAA' | 'CNAME' | 'NS' | 'SOA' | 'TXT'

/** A record of one of the types that we read. Names are lower case and end in a dot. */
export interface DnsRecord {
  name: string
  type: QueryType
  /** Seconds. */
  ttl: number
  /** The address, the target name, the SOA's primary server, or the joined strings of a TXT record. */
  data: string
}

export interface DnsQuery {
  /** `ip:port`, `[ipv6]:port`, or an address alone for port 53. */
  server: string
  name: string
  type: QueryType
  /** For everything, retransmissions and TCP included; 3000 when absent. */
  timeoutMs?: number
  signal?: AbortSignal | undefined
  /** Ask over TCP at once; otherwise UDP, and TCP when the answer is truncated. */
  tcp?: boolean
  /** Set for a resolver, left out for an authoritative server. */
  recursionDesired?: boolean
}

export interface DnsAnswer {
  ok: true
  rcode: 'NOERROR' | 'NXDOMAIN'
  /** The AA bit: the server speaks for the zone itself. */
  authoritative: boolean
  answers: DnsRecord[]
  authorities: DnsRecord[]
  transport: 'udp' | 'tcp'
}

export interface DnsFailure {
  ok: false
  error:
    | 'timeout'
    | 'unreachable'
    | 'malformed'
    | 'refused'
    | 'servfail'
    | 'formerr'
    | 'notimp'
    | 'notauth'
    | 'rcode'
  /** Completes "<server> …" for people: `connection refused`, `answers SERVFAIL`. */
  detail: string
}

/** RFC 6891 and DNS Flag Day 2020: what passes every path without fragments. */
const EDNS_SIZE = 1232
/** More records than this are no answer to any of our questions; the rest is ignored. */
const MAX_RECORDS = 500

/**
 * Asks one server one question. What goes wrong is data, an impossible name too, since names come out of foreign
 * zones; thrown are only the reason of `signal` and a RangeError for a `server` that is not an address.
 */
export async function query(request: DnsQuery): Promise<DnsAnswer | DnsFailure> {
  const problem = nameProblem(request.name)
  if (problem !== undefined) return { ok: false, error: 'malformed', detail: `cannot be asked: ${problem}` }
  const { timeoutMs = 3000 } = request
  const start = performance.now()
  let result = await ask(request, EDNS_SIZE, timeoutMs)
  // Servers older than EDNS refuse the whole message (RFC 6891 section 7).
  if (result.ok && (result.message.rcode === 'FORMERR' || result.message.rcode === 'NOTIMP')) {
    result = await ask(request, 0, Math.max(1, timeoutMs - (performance.now() - start)))
  }
  return result.ok ? read(result.message, result.transport) : result
}

function ask(request: DnsQuery, ednsSize: number, timeoutMs: number): Promise<ExchangeResult> {
  const { server, name, type, signal, tcp } = request
  const flags = request.recursionDesired === true ? RECURSION_DESIRED : 0
  return exchange({ server, question: { name, type, class: 'IN' }, flags, ednsSize, timeoutMs, signal, tcp })
}

const failures: Record<string, DnsFailure['error']> = {
  FORMERR: 'formerr',
  SERVFAIL: 'servfail',
  NOTIMP: 'notimp',
  REFUSED: 'refused',
  NOTAUTH: 'notauth',
}

function read(message: DnsMessage, transport: 'udp' | 'tcp'): DnsAnswer | DnsFailure {
  const { rcode } = message
  if (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN') {
    return { ok: false, error: failures[rcode] ?? 'rcode', detail: `answers ${rcode}` }
  }
  const opt = message.additionals?.find((record) => record.type === 'OPT')
  if (opt !== undefined && opt.extendedRcode !== 0) {
    return { ok: false, error: 'rcode', detail: `answers with extended code ${opt.extendedRcode}` }
  }
  return {
    ok: true,
    rcode,
    authoritative: message.flag_aa,
    answers: records(message.answers),
    authorities: records(message.authorities),
    transport,
  }
}

function records(section: Answer[] = []): DnsRecord[] {
  return section.slice(0, MAX_RECORDS).flatMap((record) => {
    const data = dataOf(record)
    if (data === undefined || record.type === 'OPT') return []
    return [{ name: fqdn(record.name), type: record.type as QueryType, ttl: record.ttl ?? 0, data }]
  })
}

function dataOf(record: Answer): string | undefined {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return record.data
    case 'CNAME':
    case 'NS':
      return fqdn(record.data)
    case 'SOA':
      return fqdn(record.data.mname)
    case 'TXT':
      return [record.data].flat().map(String).join('')
    default:
      return undefined
  }
}

/** Lower case with one dot at the end; the root is `.`. */
export function fqdn(name: string): string {
  return name.toLowerCase().replace(/\.*$/, '') + '.'
}

/** RFC 1035 section 2.3.4: labels of 1 to 63 octets, 253 in all; undefined when the name is in order. */
function nameProblem(name: string): string | undefined {
  const text = name.replace(/\.$/, '')
  if (text === '') return undefined
  if (Buffer.byteLength(text) > 253) return 'it is longer than 253 octets'
  for (const label of text.split('.')) {
    if (label === '') return 'it has an empty label'
    if (Buffer.byteLength(label) > 63) return `label "${label.slice(0, 20)}…" is longer than 63 octets`
  }
  return undefined
}
