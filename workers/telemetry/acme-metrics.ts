import type { AcmeExchange } from '../../activities/clients/acme.ts'
import { BoundedLabel } from './bounded.ts'
import type { MetricRegistry } from './registry.ts'

/** Hosts of ACME servers with series of their own; issuers and servers name them. */
const MOST_HOSTS = 50

/** Error types of the registry "ACME Error Types" (RFC 8555 9.7.4); any other one counts as `other`. */
const problemTypes = new Set([
  'accountDoesNotExist',
  'alreadyReplaced',
  'alreadyRevoked',
  'badCSR',
  'badNonce',
  'badPublicKey',
  'badRevocationReason',
  'badSignatureAlgorithm',
  'caa',
  'compound',
  'conflict',
  'connection',
  'dns',
  'externalAccountRequired',
  'incorrectResponse',
  'invalidContact',
  'invalidProfile',
  'malformed',
  'orderNotReady',
  'rateLimited',
  'rejectedIdentifier',
  'serverInternal',
  'tls',
  'unauthorized',
  'unsupportedContact',
  'unsupportedIdentifier',
  'userActionRequired',
])
const PREFIX = 'urn:ietf:params:acme:error:'

/** What is asked of the server, as cert-manager's label `action` names it. */
const actions: Record<AcmeExchange['resource'], string> = {
  directory: 'get_directory',
  nonce: 'get_nonce',
  account: 'register_account',
  newOrder: 'create_order',
  order: 'get_order',
  authorization: 'get_authorization',
  challenge: 'accept_challenge',
  finalize: 'finalize_order',
  certificate: 'get_cert',
  renewalInfo: 'get_renewal_info',
}

/** Metrics of everything that is asked of ACME servers; the result is called once a request. */
export function acmeMetrics(
  registry: MetricRegistry,
  now: () => number = Date.now,
): (one: AcmeExchange) => void {
  const labels = ['scheme', 'host', 'action', 'method', 'status'] as const
  const count = registry.counter(
    'certmanager_http_acme_client_request_count',
    'Total number of outbound ACME HTTP requests. Labels: scheme (http/https), host (ACME host), action (logical ACME operation), method (HTTP verb), status (HTTP status code).',
    labels,
  )
  const duration = registry.summary(
    'certmanager_http_acme_client_request_duration_seconds',
    'ACME HTTP request latencies in seconds. Labels: scheme (http/https), host (ACME host), action (logical ACME operation), method (HTTP verb), status (HTTP status code).',
    labels,
  )
  const problems = registry.counter(
    'certloom_acme_problems_total',
    'Refusals of ACME servers by problem type (RFC 8555 6.7, without its prefix; other: not of ACME) and HTTP status.',
    ['host', 'action', 'type', 'status'] as const,
  )
  const parked = new Map<string, number>()
  registry.add({
    name: 'certloom_acme_parked_until_timestamp_seconds',
    help: 'Until when an ACME server that is over its limit asks to be left alone (Retry-After), in seconds since 1970; no series once that has passed.',
    type: 'gauge',
    labels: ['host'],
    *collect() {
      for (const [host, until] of parked) {
        if (until <= now()) parked.delete(host)
        else yield { labels: [host], value: Math.ceil(until / 1000) }
      }
    },
  })
  const hosts = new BoundedLabel(MOST_HOSTS)
  return ({ url, method, resource, status, seconds, problem }) => {
    const { protocol, host: named } = new URL(url)
    const host = hosts.of(named)
    const [scheme, action] = [protocol.slice(0, -1), actions[resource]]
    const request = { scheme, host, action, method, status: String(status) }
    count.add(request)
    duration.observe(request, seconds)
    if (problem === undefined) return
    problems.add({ host, action, type: shortType(problem.type), status: String(status) })
    if (problem.until !== undefined && problem.until > (parked.get(host) ?? 0))
      parked.set(host, problem.until)
  }
}

function shortType(type: string): string {
  const short = type.startsWith(PREFIX) ? type.slice(PREFIX.length) : ''
  return problemTypes.has(short) ? short : 'other'
}
