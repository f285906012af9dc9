import { setTimeout as delay } from 'node:timers/promises'
import { CertloomError } from '../failure.ts'
import type { DnsConfig } from './dns-config.ts'
import { look, type ExpectedRecord, type Look } from './look.ts'
import { findZone, type Zone } from './zone.ts'

export { look } from './look.ts'
export type { ExpectedRecord, Look, LookDeps, ServerFinding, ServerState } from './look.ts'

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export interface WatchOptions {
  /** How long to look before coming back, in milliseconds; a look in flight is finished. */
  windowMs: number
  signal?: AbortSignal
  /** Called after every look and every two seconds, for the heartbeat of an activity. */
  heartbeat?: (finding: string) => void
  /** The result of the window before: intervals go on growing where it ended, `tries` and `since` are carried on. */
  earlier?: { tries: number; since: string }
  clock?: Clock
}

export interface Watched {
  done: boolean
  /** Why not yet; absent when done. */
  code?: 'PropagationPending' | 'ZoneNotFound'
  /** For people, at most 256 characters. */
  finding: string
  /** Looks so far, those of earlier windows included. */
  tries: number
  /** RFC 3339 time of the first look. */
  since: string
}

const HEARTBEAT_MS = 2000
/** A zone is looked up again after this long without success, or sooner when one of its servers is silent. */
const ZONE_MAX_AGE_MS = 30_000
const ZONE_MIN_AGE_MS = 5_000

/**
 * A server without a verdict (down, refusing, lame) is passed over when another one shows the value, but only after 3
 * looks in a row over at least 2 seconds. CAs do the same: their resolvers ask the next server. One lost packet or a
 * restart is not enough, because a server that comes back may still have the old zone and the CA may ask it first.
 */
const SILENT_LOOKS = 3
const SILENT_MS = 2000

/**
 * One window of looking: at once, then at growing intervals, until every authoritative server shows the value. What is
 * wrong is returned, never thrown, so that the workflow can tell it; only the signal's reason is thrown.
 */
export async function watch(
  record: ExpectedRecord,
  options: WatchOptions,
  config: DnsConfig,
): Promise<Watched> {
  const { windowMs, signal, heartbeat, earlier, clock = systemClock } = options
  const start = clock.now()
  const since = earlier?.since ?? new Date(start).toISOString()
  const zones = new WindowZones(config, clock, signal)
  const silence = new Silence()
  let tries = earlier?.tries ?? 0
  let latest: Pick<Watched, 'code' | 'finding'> = { finding: `looking for the TXT record ${record.fqdn}` }
  const beating = setInterval(() => heartbeat?.(latest.finding), HEARTBEAT_MS)
  try {
    for (;;) {
      signal?.throwIfAborted()
      tries++
      const result = await lookAgain(record, config, zones, signal)
      if (result instanceof CertloomError) {
        latest = { code: 'ZoneNotFound', finding: result.failure.message }
      } else {
        latest = { code: 'PropagationPending', finding: result.finding }
        const now = clock.now()
        if (silence.note(result, now) && result.seen)
          return { done: true, finding: result.finding, tries, since }
        zones.review(result)
      }
      heartbeat?.(latest.finding)
      const left = start + windowMs - clock.now()
      if (left <= 0) return { done: false, ...latest, tries, since }
      await clock.sleep(Math.min(pauseAfter(tries), left), signal)
    }
  } finally {
    clearInterval(beating)
  }
}

async function lookAgain(
  record: ExpectedRecord,
  config: DnsConfig,
  zones: WindowZones,
  signal: AbortSignal | undefined,
): Promise<Look | CertloomError> {
  try {
    return await look(record, config, { signal, locate: (name) => zones.locate(name) })
  } catch (error) {
    if (error instanceof CertloomError && error.failure.code === 'ZoneNotFound') return error
    throw error
  }
}

/** Pause after the n-th look, in milliseconds: ten quick ones, for providers that are; then ever more rarely. */
export function pauseAfter(tries: number): number {
  if (tries <= 10) return 100
  if (tries <= 16) return 500
  if (tries <= 21) return 1000
  return tries <= 31 ? 2000 : 5000
}

/** Counts the looks in which each server was silent. */
class Silence {
  #streaks = new Map<string, { looks: number; since: number }>()

  /** True when every silent server has been silent for long enough to be passed over. */
  note(result: Look, now: number): boolean {
    const silent = result.servers.filter((server) => server.state === 'silent')
    // By name alone: between two looks the address that was tried last may differ.
    this.#streaks = new Map(
      silent.map(({ name }) => {
        const before = this.#streaks.get(name) ?? { looks: 0, since: now }
        return [name, { looks: before.looks + 1, since: before.since }]
      }),
    )
    return [...this.#streaks.values()].every(
      ({ looks, since }) => looks >= SILENT_LOOKS && now - since >= SILENT_MS,
    )
  }
}

/** Zones and addresses of one window, so that a look costs one question per server. */
class WindowZones {
  readonly #config: DnsConfig
  readonly #clock: Clock
  readonly #signal: AbortSignal | undefined
  readonly #zones = new Map<string, Zone>()
  #foundAt = 0

  constructor(config: DnsConfig, clock: Clock, signal: AbortSignal | undefined) {
    this.#config = config
    this.#clock = clock
    this.#signal = signal
  }

  async locate(name: string): Promise<Zone> {
    const known = this.#zones.get(name)
    if (known !== undefined) return known
    const zone = await findZone(name, this.#config, { signal: this.#signal })
    this.#zones.set(name, zone)
    this.#foundAt = this.#clock.now()
    return zone
  }

  review(result: Look): void {
    const age = this.#clock.now() - this.#foundAt
    const isSilent = result.servers.some((server) => server.state === 'silent')
    if (age >= (isSilent ? ZONE_MIN_AGE_MS : ZONE_MAX_AGE_MS)) this.#zones.clear()
  }
}

const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, { signal })
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
  },
}
