import type { CertificateRequest } from '../../k8s-bridge/api/certificate-request.ts'
import type { ChallengeSpec } from '../../k8s-bridge/api/challenge.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import type { Order, OrderSpec } from '../../k8s-bridge/api/order.ts'
import type { ChallengePlan, OrderInput, OrderPlan } from '../../workflows/activities.ts'
import { orderIdentifiers } from '../../workflows/domain/identifiers.ts'
import { durationSeconds } from '../../workflows/domain/lifetime.ts'
import { challengeFqdn } from '../../workflows/domain/names.ts'
import { pack } from '../../workflows/domain/packed.ts'
import {
  AcmeProblem,
  problemText,
  type AcmeClient,
  type Authorization,
  type Order as CaOrder,
} from '../clients/acme.ts'
import type { RecordReference } from '../../workflows/messages.ts'
import { requestFacts } from '../certificate/view.ts'
import { conditionOf } from '../certificate/request.ts'
import type { ActivityDeps } from '../deps.ts'
import { resolveChallengeName } from '../dns/cname.ts'
import type { Events } from '../events.ts'
import { CertloomError } from '../failure.ts'
import { builtInIssuer, requireReadyIssuer, type LiveIssuer } from '../issuers/issuer.ts'
import { isControlledBy } from '../objects.ts'
import { acmeAccount, acmeSpec } from './account.ts'
import { claimsOf } from './claims.ts'
import { ensureChallenge, findOrder, placeOf, recordOrder, writeOrderStatus } from './objects.ts'
import { providerFor, solverFor } from './solver.ts'

/** The life of an order whose CA names no end, in milliseconds. */
const DEFAULT_LIFE_MS = 3_600_000

/**
 * Orders at the CA and writes down what there is to prove. The Order is made with the URL of the order on it before
 * anything else happens, so only a crash in the instant between the two can lose one.
 *
 * A second run is harmless: Order and Challenges are found by their names, and an order with a URL is read, not made.
 */
export async function createOrder(deps: ActivityDeps, input: OrderInput, events: Events): Promise<OrderPlan> {
  const { namespace } = input.certificate
  const request = await approvedRequest(deps, input)
  const name = builtInIssuer(request.spec.issuerRef, namespace)
  if (name === undefined)
    throw new CertloomError('UnsupportedIssuer', 'the issuer is served by another controller')
  const issuer = await requireReadyIssuer(deps, name)
  const account = await acmeAccount(deps, issuer)
  const spec = orderSpec(request, issuer)

  const { order, ordered, isNew } = await place(deps, { request, account, spec, issuer })
  if (isNew) {
    events.normal(
      { kind: 'CertificateRequest', metadata: request.metadata },
      'OrderCreated',
      `Created Order resource ${namespace}/${order.metadata.name}`,
    )
  }
  const pending = await authorizations(account, ordered)
  const plans = await Promise.all(
    pending
      .filter((authorization) => authorization.status === 'pending')
      .map((authorization) =>
        planChallenge(deps, { order, issuer, account, input, events, request }, authorization),
      ),
  )
  return {
    order: order.metadata.name,
    url: ordered.url,
    issuer: name,
    deadline: ordered.expires ?? new Date(Date.now() + DEFAULT_LIFE_MS).toISOString(),
    challenges: pack(plans),
    leftovers: pack(isNew ? [] : await standing(deps, input, request, plans)),
  }
}

/** Records that an earlier run put up for this request and that are not part of what is left to prove. */
async function standing(
  deps: ActivityDeps,
  { certificate }: OrderInput,
  request: CertificateRequest,
  plans: ChallengePlan[],
): Promise<RecordReference[]> {
  const claims = await claimsOf(deps, { metadata: { ...certificate } })
  const planned = new Set(plans.map((plan) => plan.challenge.uid))
  return claims
    .map((claim) => claim.record)
    .filter((record) => record.request === request.metadata.uid && !planned.has(record.challenge.uid))
}

async function approvedRequest({ kubernetes }: ActivityDeps, input: OrderInput): Promise<CertificateRequest> {
  const { namespace, uid } = input.certificate
  const request = await kubernetes.get<CertificateRequest>(
    apiPath('CertificateRequest', namespace, input.request),
  )
  if (request === undefined || !isControlledBy(request, uid)) {
    throw new CertloomError('ObjectGone', `CertificateRequest ${namespace}/${input.request} is gone`)
  }
  if (conditionOf(request, 'Approved')?.status !== 'True') {
    throw new CertloomError('NotApproved', `CertificateRequest ${namespace}/${input.request} is not approved`)
  }
  return request
}

function orderSpec(request: CertificateRequest, issuer: LiveIssuer): OrderSpec {
  const { commonName, dnsNames, ipAddresses } = requestFacts(request)
  const { enableDurationFeature, profile } = acmeSpec(issuer)
  return {
    request: request.spec.request,
    issuerRef: request.spec.issuerRef,
    commonName: commonName === '' ? undefined : commonName,
    dnsNames,
    ipAddresses: ipAddresses.length === 0 ? undefined : ipAddresses,
    duration: enableDurationFeature === true ? request.spec.duration : undefined,
    profile,
  }
}

interface Wanted {
  request: CertificateRequest
  account: AcmeClient
  spec: OrderSpec
  issuer: LiveIssuer
}

/** The order at the CA: the one that the Order names, or a new one that is written down at once. */
async function place(
  { kubernetes }: ActivityDeps,
  wanted: Wanted,
): Promise<{ order: Order; ordered: CaOrder; isNew: boolean }> {
  const { request, account, spec } = wanted
  const found = await findOrder(kubernetes, request, spec)
  const at = placeOf(found)
  const known = at === undefined ? undefined : await existing(account, at.url)
  if (found !== undefined && known !== undefined) {
    if (known.status === 'invalid') throw await invalidOrder(kubernetes, found, known)
    return { order: found, ordered: known, isNew: false }
  }
  // What an Order says of its order stays true: one that names an order which nobody knows makes way for another.
  if (found !== undefined) {
    const { namespace, name, uid } = found.metadata
    await kubernetes.delete(apiPath('Order', namespace, name), { uid, propagationPolicy: 'Background' })
  }
  const ordered = await newOrder(wanted)
  const order = await recordOrder(kubernetes, request, spec, {
    url: ordered.url,
    finalizeURL: ordered.finalize,
  })
  const recorded = placeOf(order)?.url
  // Another worker was faster, after this one had been taken for lost: its order counts, this one expires.
  if (recorded !== undefined && recorded !== ordered.url)
    return { order, ordered: await account.order(recorded), isNew: false }
  return { order, ordered, isNew: true }
}

function newOrder({ account, spec, issuer }: Wanted): Promise<CaOrder> {
  const named = orderIdentifiers({
    commonName: spec.commonName ?? '',
    dnsNames: spec.dnsNames ?? [],
    ipAddresses: spec.ipAddresses ?? [],
    uris: [],
    emailAddresses: [],
    otherNames: [],
  })
  if ('failure' in named) throw new CertloomError(named.failure.code, named.failure.message)
  const notAfter =
    spec.duration === undefined
      ? undefined
      : new Date(Date.now() + durationSeconds(spec.duration) * 1000).toISOString()
  return account.newOrder({
    identifiers: named.identifiers,
    notAfter,
    profile: acmeSpec(issuer).profile,
  })
}

/** Undefined where the CA knows the order no more: a CA that lost its state gets a new one. */
async function existing(account: AcmeClient, url: string): Promise<CaOrder | undefined> {
  try {
    return await account.order(url)
  } catch (error) {
    if (error instanceof AcmeProblem && (error.status === 404 || error.is('malformed'))) return undefined
    throw error
  }
}

export async function invalidOrder(
  kubernetes: ActivityDeps['kubernetes'],
  order: Order,
  ordered: Pick<CaOrder, 'error'>,
): Promise<CertloomError> {
  const text =
    ordered.error === undefined
      ? 'the CA gives no reason'
      : problemText(ordered.error, ordered.error.status ?? 0)
  await writeOrderStatus(kubernetes, order, { state: 'invalid', reason: text, failureTime: now() })
  return new CertloomError('OrderInvalid', `Order ${order.metadata.name} is invalid: ${text}`)
}

export function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z')
}

function authorizations(account: AcmeClient, ordered: CaOrder): Promise<(Authorization & { url: string })[]> {
  return Promise.all(
    ordered.authorizations.map(async (url) => ({ ...(await account.authorization(url)), url })),
  )
}

interface Planning {
  order: Order
  issuer: LiveIssuer
  account: AcmeClient
  input: OrderInput
  events: Events
  request: CertificateRequest
}

async function planChallenge(
  deps: ActivityDeps,
  planning: Planning,
  authorization: Authorization & { url: string },
): Promise<ChallengePlan> {
  const { order, issuer, account, input, events, request } = planning
  const { identifier, wildcard, challenges } = authorization
  const offeredTypes = challenges.map((challenge) => challenge.type)
  const question = { identifier: identifier.value, wildcard, offeredTypes, labels: order.metadata.labels }
  const { solver, index } = solverFor(issuer, question)
  const provider = providerFor(deps, issuer, solver, index)
  const offered = challenges.find((challenge) => challenge.type === 'dns-01')
  if (offered?.token === undefined) {
    throw new CertloomError('OrderRejected', `the CA offers no dns-01 challenge for ${identifier.value}`)
  }
  const value = await account.dns01Value(offered.token)
  const strategy = solver.dns01?.cnameStrategy === 'Follow' ? 'Follow' : 'None'
  const fqdn = await resolveChallengeName(challengeFqdn(identifier.value), strategy, deps.dns)
  const spec: ChallengeSpec = {
    authorizationURL: authorization.url,
    url: offered.url,
    dnsName: identifier.value,
    wildcard,
    type: 'DNS-01',
    token: offered.token,
    key: value,
    solver,
    issuerRef: order.spec.issuerRef,
  }
  const challenge = await ensureChallenge(deps.kubernetes, order, spec, input.certificate.uid, fqdn)
  const name = wildcard ? `*.${identifier.value}` : identifier.value
  events.normal(
    { kind: 'Order', metadata: order.metadata },
    'Created',
    `Created Challenge resource "${challenge.metadata.name}" for domain "${identifier.value}"`,
  )
  const { namespace = '', uid = '' } = challenge.metadata
  const reference = { namespace, name: challenge.metadata.name, uid }
  const exclusive = !provider.capabilities.holdsManyValues
  return {
    challenge: reference,
    name,
    fqdn,
    provider: provider.summary,
    exclusive,
    record: {
      challenge: reference,
      certificateUid: input.certificate.uid,
      request: request.metadata.uid ?? '',
      fqdn,
      handle: provider.plan({ fqdn, domain: identifier.value, value }),
      provider: provider.summary,
      lock: exclusive ? { requestId: uid } : undefined,
    },
  }
}
