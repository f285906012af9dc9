import type { CaaData } from 'dns-packet'

export type ZoneRecord =
  | { name: string; type: 'A' | 'AAAA' | 'CNAME' | 'NS' | 'TXT'; ttl: number; data: string }
  | { name: string; type: 'CAA'; ttl: number; data: CaaData }

export type Change =
  | { op: 'add'; record: ZoneRecord }
  | { op: 'remove'; name: string; type: ZoneRecord['type']; data?: ZoneRecord['data'] }

export interface Zone {
  name: string
  serial: number
  records: Map<string, ZoneRecord[]>
}

/** Lower case with one dot at the end; the root is `.`. */
export function fqdn(name: string): string {
  return name.toLowerCase().replace(/\.*$/, '') + '.'
}

export function isWithin(name: string, zone: string): boolean {
  return name === zone || zone === '.' || name.endsWith('.' + zone)
}

/** What one server knows: zones and their records, changed one at a time. */
export class View {
  readonly zones = new Map<string, Zone>()

  addZone(name: string, nameServers: readonly { name: string; address: string }[]): void {
    if (this.zones.has(name)) return
    this.zones.set(name, { name, serial: 1, records: new Map() })
    for (const server of nameServers) {
      this.apply({ op: 'add', record: { name, type: 'NS', ttl: 60, data: server.name } })
      this.apply({ op: 'add', record: { name: server.name, type: 'A', ttl: 60, data: server.address } })
    }
  }

  /** The zone with the longest name that encloses the given one. */
  zoneOf(name: string): Zone | undefined {
    for (let suffix = name; suffix !== '.' && suffix !== ''; suffix = suffix.slice(suffix.indexOf('.') + 1)) {
      const zone = this.zones.get(suffix)
      if (zone !== undefined) return zone
    }
    return undefined
  }

  apply(change: Change): void {
    const name = change.op === 'add' ? change.record.name : change.name
    const zone = this.zoneOf(name)
    if (zone === undefined) return
    zone.serial++
    const there = zone.records.get(name) ?? []
    const left =
      change.op === 'add' ? withRecord(there, change.record) : there.filter((old) => !matches(old, change))
    if (left.length === 0) zone.records.delete(name)
    else zone.records.set(name, left)
  }
}

function withRecord(there: ZoneRecord[], record: ZoneRecord): ZoneRecord[] {
  const data = JSON.stringify(record.data)
  const others = there.filter((old) => !(old.type === record.type && JSON.stringify(old.data) === data))
  return [...others, record]
}

function matches(record: ZoneRecord, change: Change & { op: 'remove' }): boolean {
  const sameData = change.data === undefined || JSON.stringify(record.data) === JSON.stringify(change.data)
  return record.type === change.type && sameData
}

/** One server's copy, which may run behind: a change becomes visible `lagMs` after it was made, or on release. */
export class Replica {
  lagMs = 0
  hold = false
  readonly #view = new View()
  #pending: { change: Change; at: number }[] = []

  addZone(...zone: Parameters<View['addZone']>): void {
    this.#view.addZone(...zone)
  }

  record(change: Change, at: number): void {
    this.#pending.push({ change, at })
  }

  get pending(): number {
    return this.#pending.length
  }

  /** The copy as a query at `now` (milliseconds, the clock of `record`) sees it; changes keep their order. */
  current(now: number): View {
    while (!this.hold && this.#pending[0] !== undefined && this.#pending[0].at + this.lagMs <= now) {
      this.#view.apply(this.#pending[0].change)
      this.#pending.shift()
    }
    return this.#view
  }
}
