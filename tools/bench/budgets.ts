export interface Budget {
  readonly limit: number
  /** Counts are the same on every machine; speeds are those of two quiet cores. */
  readonly kind: 'count' | 'speed'
  /** The limit is a least, not a most. */
  readonly atLeast?: true
  /** The same figure of cert-manager 1.21 on the same two cores. */
  readonly peer?: string
}

const count = (limit: number, peer?: string): Budget => ({ limit, kind: 'count', peer })
const speed = (limit: number, peer?: string): Budget => ({ limit, kind: 'speed', peer })

/** What each figure may be, by its id. A figure without an entry is shown without a judgement. */
export const budgets: Readonly<Record<string, Budget>> = {
  'writes.self-signed.writes': count(7),
  'writes.self-signed.events': count(6),
  'writes.ca.writes': count(7, '15'),
  'writes.ca.events': count(6, '9'),
  'writes.ca-renewal.writes': count(8),
  'writes.ca-renewal.events': count(6),
  'writes.acme.writes': count(14, '42'),
  'writes.acme.events': count(12, '15'),
  'writes.further-name.writes': count(3),
  'writes.further-name.events': count(4),
  'writes.refused': count(0, '2.7 to 3.3 conflicts a certificate'),
  'acme.requests': count(7.1, '~ 10'),
  // 120 events and 15 for each name.
  'history.self-signed': count(135),
  'history.ca': count(135),
  'history.ca-renewal': count(135),
  'history.acme': count(135),
  'history.acme-3-names': count(165),
  'history.acme-25-names': count(495),
  'history.apex-wildcard': count(150),
  'history.payload': count(8192),
  'history.payload-25-names': count(8192),
  'latency.ca.ecdsa.p50': speed(120, '86 ms'),
  'latency.acme.ecdsa.p50': speed(800, '61 s; 1.9 s tuned, without a check'),
  'latency.wildcard.ecdsa.p50': speed(1200),
  'burst.ca-500.last': speed(32, '31.7 s'),
  'burst.acme-40.last': speed(5, '7.7 s tuned'),
  'burst.acme-100.rate': { ...speed(8, '5.2/s tuned'), atLeast: true },
  'burst.ca-500.cpu': speed(90, '36 ms, controller alone'),
  'burst.acme-100.cpu': speed(200, '109 ms, controller alone'),
  'idle.writes': count(0),
  'idle.tasks': count(0),
  'idle.cpu': speed(1),
  'idle.memory': speed(4),
  'restart.seconds': speed(10),
  'restart.signals': count(0),
  'restart.tasks': count(0),
  'restart.writes': count(0),
  'killed.signals': count(0),
  'killed.tasks': count(0),
  'killed.writes': count(0),
}
