import { inPool } from '../../check/pool.ts'
import { arrival, requestCertificate, type Wish } from '../certificates.ts'
import { cpuText, cpuUse, ours, used, type CpuUse } from '../cpu.ts'
import { whilePebbleAnswers } from '../pebble-watch.ts'
import type { Results } from '../results.ts'
import type { Rig } from '../rig.ts'
import { newNamespace, type IssuerReference } from '../site.ts'
import { percentile } from '../statistics.ts'

export interface Burst {
  /** In the ids of its figures: `burst.<id>.last`. */
  readonly id: string
  readonly what: string
  readonly count: number
  readonly issuers: readonly IssuerReference[]
  /** Whether Pebble takes part. */
  readonly acme: boolean
}

/** How many applies are under way at a time, as `kubectl apply` of a large file does not but a rollout does. */
const APPLIES = 20

export function bursts(rig: Rig, quick: boolean): Burst[] {
  const sizes = quick ? { small: 10, large: 20, acme: [5] } : { small: 100, large: 500, acme: [40, 100] }
  const ca = { what: 'CA certificates, 10 issuers', issuers: rig.ca, acme: false }
  const acme = { what: 'ACME certificates (DNS-01)', issuers: [rig.acme], acme: true }
  return [
    { id: `ca-${sizes.small}`, count: sizes.small, ...ca },
    { id: `ca-${sizes.large}`, count: sizes.large, ...ca },
    ...sizes.acme.map((count) => ({ id: `acme-${count}`, count, ...acme })),
  ]
}

/**
 * Many certificates at once: how fast the last one is there, and what each costs.
 * @throws Error where one does not come: the speed of the others would say nothing
 */
export async function measureBurst(rig: Rig, burst: Burst, results: Results): Promise<void> {
  const { site, arrivals } = rig
  const namespace = await newNamespace(site, `burst-${burst.id}`)
  const wishes = Array.from({ length: burst.count }, (_, index) => wishOf(burst, namespace, index))
  const before = cpuUse(rig)
  const began = performance.now()
  const work = (async () => {
    await inPool(wishes, APPLIES, (wish) => requestCertificate(site, wish))
    return Promise.allSettled(wishes.map((wish) => arrival(arrivals, wish)))
  })()
  const outcomes = await (burst.acme ? whilePebbleAnswers(site, work) : work)
  const cpu = used(before, cpuUse(rig), burst.count)
  const ready = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value.readyAt - began] : []))
  const failures = outcomes.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))
  if (failures.length > 0)
    throw new Error(`${failures.length} of ${burst.count} did not come: ${failures.slice(0, 3).join('; ')}`)
  report(results, burst, ready, cpu)
}

function wishOf({ issuers }: Burst, namespace: string, index: number): Wish {
  const issuer = issuers[index % issuers.length]
  if (issuer === undefined) throw new Error('there is no issuer')
  const name = `c${index}`
  return { namespace, name, dnsNames: [`${name}.${namespace}.example.com`], issuer }
}

function report(results: Results, { id, what, count }: Burst, ready: readonly number[], cpu: CpuUse): void {
  const add = (figure: string, text: string, value: number, unit: string, beside?: string) =>
    results.add({
      scenario: 'burst',
      id: `burst.${id}.${figure}`,
      what: `${count} ${what}: ${text}`,
      value,
      unit,
      beside,
    })
  const last = Math.max(0, ...ready) / 1000
  const seconds = (share: number) => (percentile(ready, share) / 1000).toFixed(1)
  add('last', 'to the last', last, 's', `p50 ${seconds(0.5)} s, p95 ${seconds(0.95)} s`)
  add('rate', 'certificates per second', ready.length / last, '/s')
  add('cpu', 'CPU of ours and Temporal, each', ours(cpu), 'ms', cpuText(cpu))
}
