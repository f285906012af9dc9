import type { Answer, RecordType } from 'dns-packet'
import type { View, Zone, ZoneRecord } from './store.ts'

/** RFC 1035 section 4.1.1. */
export const rcodes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const
export type Rcode = keyof typeof rcodes

export interface Reply {
  rcode: Rcode
  authoritative: boolean
  answers: Answer[]
  authorities: Answer[]
}

export function bareReply(rcode: Rcode): Reply {
  return { rcode, authoritative: false, answers: [], authorities: [] }
}

/** An authoritative server's answer (RFC 1034 section 4.3.2): data, alias, NODATA or NXDOMAIN with the zone's SOA. */
export function answerFrom(view: View, name: string, type: RecordType): Reply {
  const zone = view.zoneOf(name)
  if (zone === undefined) return bareReply('REFUSED')
  const answers: Answer[] = []
  let current = name
  // Aliases are followed inside the zone; the resolver goes on from zone to zone.
  for (let hops = 0; hops < 16; hops++) {
    const node = nodeAt(zone, current)
    if (current === zone.name && type === 'SOA') return withData([...answers, soa(zone)])
    const data = node.filter((record) => record.type === type)
    if (data.length > 0)
      return withData([...answers, ...data.map((record) => ({ ...record, name: current }))])
    const alias = node.find((record) => record.type === 'CNAME')
    if (alias === undefined) {
      const rcode = node.length > 0 || exists(zone, current) ? 'NOERROR' : 'NXDOMAIN'
      return { rcode, authoritative: true, answers, authorities: [soa(zone)] }
    }
    answers.push({ ...alias, name: current })
    current = alias.data as string
    if (view.zoneOf(current) !== zone) return withData(answers)
  }
  return withData(answers)
}

function withData(answers: Answer[]): Reply {
  return { rcode: 'NOERROR', authoritative: true, answers, authorities: [] }
}

function nodeAt(zone: Zone, name: string): ZoneRecord[] {
  const own = zone.records.get(name)
  if (own !== undefined || exists(zone, name)) return own ?? []
  // RFC 4592: the wildcard directly below the closest name that exists.
  for (let parent = above(name); parent.length >= zone.name.length; parent = above(parent)) {
    const wildcard = zone.records.get(`*.${parent}`)
    if (wildcard !== undefined) return wildcard
    if (exists(zone, parent)) return []
  }
  return []
}

function exists(zone: Zone, name: string): boolean {
  if (zone.records.has(name)) return true
  for (const owner of zone.records.keys()) if (owner.endsWith('.' + name)) return true
  return false
}

function above(name: string): string {
  return name.slice(name.indexOf('.') + 1)
}

export function soa(zone: { name: string; serial: number }, mname = `ns1.${zone.name}`): Answer {
  const data = {
    mname,
    rname: zone.name === '.' ? 'hostmaster.' : `hostmaster.${zone.name}`,
    serial: zone.serial,
    refresh: 3600,
    retry: 600,
    expire: 604800,
    minimum: 5,
  }
  return { name: zone.name, type: 'SOA', ttl: 60, data }
}
