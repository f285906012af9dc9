import type { Answer } from 'dns-packet'
import { exchange } from '../../activities/clients/dns/exchange.ts'
import { bareReply, soa, type Rcode, type Reply } from './answer.ts'
import type { Asked } from './listen.ts'
import { fqdn, type View } from './store.ts'

export interface ResolverOptions {
  /** Which zones the authoritative servers serve. */
  zones(): View
  /** `ip:port` of the authoritative servers; asked in turn. */
  servers: readonly string[]
  /** The A record of names that have none; null answers what the zone says. */
  defaultA(): string | null
}

/** A resolver without a cache: it forwards to an authoritative server and follows aliases from zone to zone. */
export function createResolver(options: ResolverOptions): (asked: Asked) => Promise<Reply> {
  let turn = 0

  async function forward(name: string, type: Asked['type']): Promise<Reply> {
    const first = turn++ % options.servers.length
    for (const server of [...options.servers.slice(first), ...options.servers.slice(0, first)]) {
      const result = await exchange({
        server,
        question: { name, type },
        flags: 0,
        ednsSize: 1232,
        timeoutMs: 1000,
      })
      if (!result.ok) continue
      const { rcode, answers = [], authorities = [] } = result.message
      if (rcode === 'NOERROR' || rcode === 'NXDOMAIN')
        return { rcode, authoritative: false, answers, authorities }
    }
    return bareReply('SERVFAIL')
  }

  return async ({ name, type }) => {
    const answers: Answer[] = []
    const seen = new Set<string>()
    let current = name
    let reply: Reply
    for (;;) {
      if (seen.has(current) || seen.size >= 16) return { ...bareReply('SERVFAIL'), answers }
      seen.add(current)
      reply =
        options.zones().zoneOf(current) === undefined
          ? fromParent(current, type)
          : await forward(current, type)
      answers.push(...reply.answers)
      const target = type === 'CNAME' ? undefined : endOfAliases(reply.answers, current)
      if (target === undefined || reply.answers.some((record) => record.type === type)) break
      current = target
    }
    return withDefault({ ...reply, answers }, current, type, options.defaultA())
  }
}

function endOfAliases(answers: Answer[], name: string): string | undefined {
  let end = name
  for (let hops = 0; hops < 16; hops++) {
    const alias = answers.find((record) => record.type === 'CNAME' && fqdn(record.name) === end)
    if (alias?.type !== 'CNAME') break
    end = fqdn(alias.data)
  }
  return end === name ? undefined : end
}

/** The root and the top-level domains, which exist and are not ours. */
function fromParent(name: string, type: Asked['type']): Reply {
  const labels = name.split('.').filter(Boolean)
  const parent = labels.length === 0 ? '.' : `${labels.at(-1)}.`
  const server = parent === '.' ? 'a.root-servers.net.' : `a.nic.${parent}`
  const itsSoa = soa({ name: parent, serial: 1 }, server)
  if (name !== parent) return { rcode: 'NXDOMAIN', authoritative: false, answers: [], authorities: [itsSoa] }
  const found: Answer[] =
    type === 'SOA' ? [itsSoa] : type === 'NS' ? [{ name, type: 'NS', ttl: 60, data: server }] : []
  return {
    rcode: 'NOERROR',
    authoritative: false,
    answers: found,
    authorities: found.length > 0 ? [] : [itsSoa],
  }
}

function withDefault(reply: Reply, name: string, type: Asked['type'], address: string | null): Reply {
  const isTopLevel = name.split('.').filter(Boolean).length < 2
  const isEmpty = !reply.answers.some((record) => record.type === type)
  if (address === null || isTopLevel || !isEmpty || reply.rcode === 'SERVFAIL') return reply
  if (type === 'A') {
    const answers: Answer[] = [...reply.answers, { name, type: 'A', ttl: 0, data: address }]
    return { rcode: 'NOERROR', authoritative: false, answers, authorities: [] }
  }
  // The name has an A record then, so it exists.
  const rcode: Rcode = type === 'AAAA' ? 'NOERROR' : reply.rcode
  return { ...reply, rcode }
}
