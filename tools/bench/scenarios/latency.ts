import { setTimeout as delay } from 'node:timers/promises'
import { issue, type KeyKind, type Times } from '../certificates.ts'
import type { Results } from '../results.ts'
import type { Rig } from '../rig.ts'
import { newNamespace, type IssuerReference } from '../site.ts'
import { percentile } from '../statistics.ts'

export interface LatencySizes {
  /** Certificates of a one-step issuer, one after the other. */
  readonly oneStep: number
  /** ACME certificates, one after the other. */
  readonly acme: number
}

interface Sort {
  readonly id: string
  readonly what: string
  readonly issuer: IssuerReference
  readonly hosts: readonly string[]
  readonly samples: number
}

const KEYS: readonly (readonly [id: string, kind: KeyKind])[] = [
  ['ecdsa', 'ECDSA P-256'],
  ['rsa', 'RSA-2048'],
]
/** The first ones pay for connections, account and cold code. */
const WARM_UP = 2

/** How long one certificate takes on an idle system, from before the apply to what a watcher sees. */
export async function measureLatency(rig: Rig, sizes: LatencySizes, results: Results): Promise<void> {
  const [ca] = rig.ca
  if (ca === undefined) throw new Error('there is no CA issuer')
  const sorts: Sort[] = [
    { id: 'self-signed', what: 'selfSigned', issuer: rig.selfSigned, hosts: ['one'], samples: sizes.oneStep },
    { id: 'ca', what: 'CA', issuer: ca, hosts: ['one'], samples: sizes.oneStep },
    { id: 'acme', what: 'ACME DNS-01', issuer: rig.acme, hosts: ['one'], samples: sizes.acme },
    { id: 'wildcard', what: 'ACME apex + wildcard', issuer: rig.acme, hosts: ['', '*'], samples: sizes.acme },
  ]
  for (const sort of sorts)
    for (const [keyId, key] of KEYS) report(results, sort, keyId, key, await timesOf(rig, sort, keyId, key))
  const patient: Sort = {
    ...{ id: 'acme-no-early-looks', what: 'ACME DNS-01 without early looks', issuer: rig.acme },
    ...{ hosts: ['one'], samples: Math.min(5, sizes.acme) },
  }
  await rig.restart({ CERTLOOM_ACME_EARLY_LOOKS: 'false' })
  try {
    for (const [keyId, key] of KEYS.slice(0, 1))
      report(results, patient, keyId, key, await timesOf(rig, patient, keyId, key))
  } finally {
    // Scenarios that come after are measured with early looks, whatever happened here.
    await rig.restart()
  }
}

async function timesOf(rig: Rig, sort: Sort, keyId: string, key: KeyKind): Promise<Times[]> {
  const namespace = await newNamespace(rig.site, `latency-${sort.id}-${keyId}`)
  const times: Times[] = []
  for (let count = 0; count < WARM_UP + sort.samples; count++) {
    const name = `c${count}`
    const domain = `${name}.${namespace}.example.com`
    const dnsNames = sort.hosts.map((host) => (host === '' ? domain : `${host}.${domain}`))
    const time = await issue(rig.site, rig.arrivals, { namespace, name, dnsNames, issuer: sort.issuer, key })
    if (count >= WARM_UP) times.push(time)
    // What goes on after Ready (tidying, the last task) belongs to no sample.
    await delay(50)
  }
  return times
}

function report(results: Results, sort: Sort, keyId: string, key: KeyKind, times: readonly Times[]): void {
  const ready = times.map((time) => time.ready)
  const secret = times.map((time) => time.secret)
  const ms = (values: readonly number[], share: number) => percentile(values, share).toFixed(0)
  results.add({
    scenario: 'latency',
    id: `latency.${sort.id}.${keyId}.p50`,
    what: `${sort.what}, ${key}: apply to Ready, p50`,
    value: percentile(ready, 0.5),
    unit: 'ms',
    beside: `p95 ${ms(ready, 0.95)}, p99 ${ms(ready, 0.99)}; to the Secret p50 ${ms(secret, 0.5)}, p95 ${ms(secret, 0.95)}, p99 ${ms(secret, 0.99)}; n ${times.length}`,
  })
}
