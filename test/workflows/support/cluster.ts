import type {
  CertificateSummary,
  ChallengePlan,
  ExistingLook,
  IssuerLook,
  Look,
  OrderPlan,
  Prepared,
} from '../../../workflows/activities.ts'
import type { Failure } from '../../../workflows/domain/failures.ts'
import { pack } from '../../../workflows/domain/packed.ts'
import type { KnownFacts } from '../../../workflows/messages.ts'

export const DAY = 24 * 3_600_000
export const HOUR = 3_600_000

/** One Certificate as the fake activities see it: the facts that a look would read from the API server. */
export interface FakeCertificate {
  exists: boolean
  uid: string
  generation: number
  issuing: string
  secretVersion: number
  deleting: boolean
  paused: boolean
  revision: number
  failures: number
  lastFailureAt?: string
  backOffApplies: boolean
  digest: string
  invalid?: Failure
  certificate?: CertificateSummary
  renewalTime?: string
  names: string[]
  moreNames: number
  statusStale: boolean
  flow: Prepared['flow']
  /** The challenges of an order, grouped by the name of the record. */
  groups: ChallengePlan[][]
  leftovers: ChallengePlan['record'][]
}

export function newCertificate(): FakeCertificate {
  return {
    exists: true,
    uid: 'uid-1',
    generation: 1,
    issuing: '',
    secretVersion: 0,
    deleting: false,
    paused: false,
    revision: 0,
    failures: 0,
    backOffApplies: true,
    digest: 'digest-1',
    names: ['example.com'],
    moreNames: 0,
    statusStale: false,
    flow: 'sign',
    groups: [],
    leftovers: [],
  }
}

/** A certificate of ninety days that is renewed after sixty. */
export function issueInto(cluster: FakeCertificate, now: number): CertificateSummary {
  const certificate = {
    serial: `0${cluster.revision + 1}`,
    fingerprint: 'ab'.repeat(32),
    notBefore: new Date(now).toISOString(),
    notAfter: new Date(now + 90 * DAY).toISOString(),
    issuer: 'CN=Example CA',
  }
  Object.assign(cluster, {
    certificate,
    renewalTime: new Date(now + 60 * DAY).toISOString(),
    revision: cluster.revision + 1,
    secretVersion: cluster.secretVersion + 1,
    issuing: '',
    failures: 0,
    lastFailureAt: undefined,
  })
  return certificate
}

export function knownOf({ uid, generation, issuing, secretVersion }: FakeCertificate): KnownFacts {
  return { uid, generation, issuing, secretVersion: secretVersion === 0 ? '' : String(secretVersion) }
}

/** What `look` finds, with the reasons of the real one. */
export function lookAt(cluster: FakeCertificate, now: number): Look {
  if (!cluster.exists) return { exists: false }
  const due = cluster.renewalTime !== undefined && now >= Date.parse(cluster.renewalTime)
  const { deleting, paused, revision, failures, lastFailureAt, backOffApplies, invalid, certificate } =
    cluster
  const look: ExistingLook = {
    exists: true,
    known: knownOf(cluster),
    deleting,
    paused,
    revision,
    failures,
    lastFailureAt,
    backOffApplies,
    requestDigest: cluster.digest,
    invalid,
    certificate,
    renewalTime: cluster.renewalTime,
    statusStale: cluster.statusStale,
    names: cluster.names,
    moreNames: cluster.moreNames,
    issuer: 'ClusterIssuer/example',
    leftovers: pack(cluster.leftovers),
  }
  if (certificate === undefined) {
    look.why = { reason: 'DoesNotExist', message: 'Issuing certificate as Secret does not exist' }
  } else if (due) {
    look.why = {
      reason: 'Renewing',
      message: `Renewing certificate as renewal was scheduled at ${cluster.renewalTime}`,
    }
  }
  return look
}

/** A dns-01 challenge for one name; `example.com` and `*.example.com` share the name of their record. */
export function challenge(
  name: string,
  options: { exclusive?: boolean; namespace: string; uid: string },
): ChallengePlan {
  const fqdn = `_acme-challenge.${name.replace('*.', '')}.`
  const reference = {
    namespace: options.namespace,
    name: `web-1-${name.replace('*', 'wildcard')}`,
    uid: options.uid,
  }
  const provider = 'exec fixture-dns'
  const exclusive = options.exclusive ?? false
  return {
    challenge: reference,
    name,
    fqdn,
    provider,
    exclusive,
    record: {
      challenge: reference,
      certificateUid: 'uid-1',
      request: 'uid-of-web-1',
      fqdn,
      handle: { provider: 'exec', plugin: 'fixture-dns', fqdn },
      provider,
      ...(exclusive && { lock: { requestId: options.uid } }),
    },
  }
}

export function orderFor(cluster: FakeCertificate, now: number): OrderPlan {
  return {
    order: 'web-1-1234',
    url: 'https://ca.example/order/1',
    deadline: new Date(now + 7 * DAY).toISOString(),
    challenges: pack(cluster.groups.flat()),
  }
}

export const readyIssuer: IssuerLook = {
  exists: true,
  known: { uid: 'uid-1', generation: 1, issuing: '', secretVersion: '' },
  ready: true,
  finding: 'The ACME account was registered with the ACME server',
}
