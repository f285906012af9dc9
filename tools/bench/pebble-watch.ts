import { setTimeout as delay } from 'node:timers/promises'
import type { PebbleFacts } from '../servers/facts.ts'
import { httpsRequest } from '../servers/https-request.ts'
import type { Site } from './site.ts'

const EVERY_MS = 2_000
/** Looks without an answer, of five seconds each, that make a hang of what could be a busy moment. */
const PATIENCE = 3

/**
 * Pebble can lock itself up under load (letsencrypt/pebble#553): it then accepts connections and answers nothing that
 * needs its store. That would read as "slow"; here it is an error.
 */
export async function whilePebbleAnswers<T>(site: Site, work: Promise<T>): Promise<T> {
  const end = new AbortController()
  try {
    return await Promise.race([work, untilHang(site.servers.pebble, end.signal)])
  } finally {
    end.abort()
  }
}

/** Rejects when Pebble hangs; never resolves. */
async function untilHang(pebble: PebbleFacts, signal: AbortSignal): Promise<never> {
  // An unknown serial number: the answer is 404, and to give it Pebble has to look into its store.
  const url = `${pebble.managementUrl}/cert-status-by-serial/1`
  for (let silent = 0; !signal.aborted;) {
    const answered = await httpsRequest(url, { ca: pebble.caPem }).then(
      () => true,
      () => false,
    )
    silent = answered ? 0 : silent + 1
    if (silent >= PATIENCE) throw new Error('Pebble hangs (letsencrypt/pebble#553): the figure is void')
    await delay(EVERY_MS, undefined, { signal }).catch(() => undefined)
  }
  return new Promise(() => undefined)
}
