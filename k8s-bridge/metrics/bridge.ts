import type { DoorbellCounts } from '../bridge.ts'
import type { Target } from '../doorbell.ts'
import type { InformerHealth } from '../informers/informer.ts'
import { single, type MetricFamily } from './family.ts'

/** The parts of a bridge that its metrics read. */
export interface ObservedBridge {
  readonly doorbells: Readonly<Record<Target['kind'], Readonly<DoorbellCounts>>>
  readonly troubled: ReadonlyMap<string, number>
  readonly waiting: number
  readonly compared: boolean
  informers(): InformerHealth[]
}

const kinds = ['Certificate', 'Issuer', 'ClusterIssuer'] as const
const results = ['rung', 'skipped', 'failed'] as const
/** What cert-manager's controllers of the same task are called: who looks whether a certificate is to be issued. */
const controllers = {
  Certificate: 'certificates-trigger',
  Issuer: 'issuers',
  ClusterIssuer: 'clusterissuers',
} as const

/** Doorbells, informers, Lease, and what the comparison with Temporal found. */
export function bridgeFamilies(
  bridge: ObservedBridge,
  lease: { isHolder(): boolean },
  now: () => number = Date.now,
): MetricFamily[] {
  const informers = (
    name: string,
    help: string,
    type: MetricFamily['type'],
    value: (health: InformerHealth) => number | undefined,
  ): MetricFamily => ({
    name: `certloom_informer_${name}`,
    help,
    type,
    labels: ['resource'],
    *collect() {
      for (const health of bridge.informers()) {
        const found = value(health)
        if (found !== undefined) yield { labels: [health.name], value: found }
      }
    },
  })
  const syncs = (name: string, help: string, value: (counts: DoorbellCounts) => number): MetricFamily => ({
    name: `certmanager_controller_sync_${name}`,
    help,
    type: 'counter',
    labels: ['controller'],
    collect: () =>
      kinds.map((kind) => ({ labels: [controllers[kind]], value: value(bridge.doorbells[kind]) })),
  })
  return [
    syncs('call_count', 'The number of sync() calls made by a controller.', (counts) => {
      return counts.rung + counts.skipped + counts.failed
    }),
    syncs(
      'error_count',
      'The number of errors encountered during controller sync().',
      (counts) => counts.failed,
    ),
    {
      name: 'certloom_doorbells_total',
      help: 'Looks at the facts of an object: rung as a signal, skipped because nothing is new, or failed and sent again.',
      type: 'counter',
      labels: ['kind', 'result'],
      collect: () =>
        kinds.flatMap((kind) =>
          results.map((result) => ({ labels: [kind, result], value: bridge.doorbells[kind][result] })),
        ),
    },
    single(
      'certloom_doorbell_queue_length',
      'Objects in line to be looked at or rung for.',
      () => bridge.waiting,
    ),
    informers('synced', 'Whether the resource has been listed.', 'gauge', ({ synced }) => Number(synced)),
    informers('objects', 'Objects kept of the resource.', 'gauge', ({ objects }) => objects),
    informers(
      'event_age_seconds',
      'Seconds since the last event or bookmark of the watch; bookmarks come about once a minute.',
      'gauge',
      ({ lastEventAt }) => (lastEventAt === undefined ? undefined : (now() - lastEventAt) / 1000),
    ),
    informers(
      'lists_total',
      'Lists of the resource; more than one: it was listed again.',
      'counter',
      (one) => {
        return one.lists
      },
    ),
    informers('failures_total', 'Lists and watches that failed.', 'counter', ({ failures }) => failures),
    informers('handler_failures_total', 'Changes whose handling failed: a bug.', 'counter', (one) => {
      return one.handlerFailures
    }),
    single('certloom_lease_holder', 'Whether this process holds the Lease cert-manager-controller.', () =>
      Number(lease.isHolder()),
    ),
    single(
      'certloom_compared',
      'Whether the objects were compared with the open workflows since the Lease was taken.',
      () => Number(bridge.compared),
    ),
    {
      name: 'certloom_workflows_troubled',
      help: 'Open workflows whose tasks fail again and again, by the cause that Temporal reports, as of the last comparison.',
      type: 'gauge',
      labels: ['cause'],
      collect: () => [...bridge.troubled].map(([cause, value]) => ({ labels: [cause], value })),
    },
  ]
}
