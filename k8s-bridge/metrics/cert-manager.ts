import type { KeptCertificate, KeptIssuer } from '../kept.ts'
import type { ObservedStores } from '../watched.ts'
import type { Store } from '../informers/store.ts'
import { single, type MetricFamily } from './family.ts'

const STATUSES = ['True', 'False', 'Unknown'] as const
/** ACME states as cert-manager knows them; the empty one is a challenge that has not begun. */
const CHALLENGE_STATES = ['ready', 'valid', 'errored', 'expired', 'invalid', 'processing', '', 'pending']
const CERTIFICATE_LABELS = ['name', 'namespace', 'issuer_name', 'issuer_kind', 'issuer_group']

/**
 * cert-manager's metrics of its objects, with its names, labels, help texts and values (v1.21, internal/collectors).
 * Times are 0 while nothing was issued: people filter with `> 0`, so it stays like this.
 */
export function certManagerFamilies(stores: ObservedStores, now: () => number = Date.now): MetricFamily[] {
  const clock = () => Math.floor(now() / 1000)
  const time = (what: string, help: string, of: (one: KeptCertificate) => number): MetricFamily => ({
    name: `certmanager_certificate_${what}_timestamp_seconds`,
    help,
    type: 'gauge',
    labels: CERTIFICATE_LABELS,
    *collect() {
      for (const one of stores.certificates.list()) yield { labels: labelsOf(one), value: of(one) }
    },
  })
  return [
    single(
      'certmanager_clock_time_seconds',
      'DEPRECATED: use clock_time_seconds_gauge instead. The clock time given in seconds (from 1970/01/01 UTC).',
      clock,
      'counter',
    ),
    single(
      'certmanager_clock_time_seconds_gauge',
      'The clock time given in seconds (from 1970/01/01 UTC). Gauge form of the deprecated clock_time_seconds counter. No labels.',
      clock,
    ),
    {
      name: 'certmanager_certificate_ready_status',
      help: 'The ready status of the certificate.',
      type: 'gauge',
      labels: ['name', 'namespace', 'condition', 'issuer_name', 'issuer_kind', 'issuer_group'],
      *collect() {
        for (const one of stores.certificates.list()) {
          const [name, namespace, ...issuer] = labelsOf(one)
          for (const status of STATUSES)
            yield { labels: [name, namespace, status, ...issuer], value: Number(one.readyStatus === status) }
        }
      },
    },
    time(
      'not_after',
      'The timestamp after which the certificate is invalid, expressed as a Unix Epoch Time.',
      (one) => one.notAfter,
    ),
    time(
      'not_before',
      'The timestamp before which the certificate is invalid, expressed as a Unix Epoch Time.',
      (one) => one.notBefore,
    ),
    time(
      'expiration',
      'The timestamp after which the certificate expires, expressed in Unix Epoch Time.',
      (one) => one.notAfter,
    ),
    time(
      'renewal',
      'The timestamp after which the certificate should be renewed, expressed in Unix Epoch Time.',
      (one) => one.renewalTime,
    ),
    {
      name: 'certmanager_certificate_challenge_status',
      help: 'The status of certificate challenges',
      type: 'gauge',
      labels: ['status', 'domain', 'reason', 'processing', 'name', 'namespace', 'type'],
      *collect() {
        for (const { metadata, domain, reason, processing, state, type } of stores.challenges.list()) {
          const rest = [domain, reason, String(processing), metadata.name, metadata.namespace ?? '', type]
          for (const status of CHALLENGE_STATES)
            yield { labels: [status, ...rest], value: Number(state === status) }
        }
      },
    },
    issuerFamily('issuer', 'The ready status of the Issuer.', stores.issuers, ({ metadata }) => [
      metadata.name,
      metadata.namespace ?? '',
    ]),
    issuerFamily(
      'clusterissuer',
      'The ready status of the ClusterIssuer.',
      stores.clusterIssuers,
      ({ metadata }) => [metadata.name],
    ),
  ]
}

function issuerFamily(
  what: 'issuer' | 'clusterissuer',
  help: string,
  store: Store<KeptIssuer>,
  names: (issuer: KeptIssuer) => string[],
): MetricFamily {
  return {
    name: `certmanager_${what}_ready_status`,
    help,
    type: 'gauge',
    labels: what === 'issuer' ? ['name', 'namespace', 'condition'] : ['name', 'condition'],
    *collect() {
      for (const issuer of store.list()) {
        for (const status of STATUSES)
          yield { labels: [...names(issuer), status], value: Number(issuer.readyStatus === status) }
      }
    },
  }
}

function labelsOf({ metadata, issuerRef }: KeptCertificate): [string, string, string, string, string] {
  return [metadata.name, metadata.namespace ?? '', issuerRef.name, issuerRef.kind, issuerRef.group]
}
