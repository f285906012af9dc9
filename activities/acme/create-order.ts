import type { CertificateRequest } from '../../k8s-bridge/api/certificate-request.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import type { OrderSpec } from '../../k8s-bridge/api/order.ts'
import type { ChallengePlan, OrderInput, OrderPlan } from '../../workflows/activities.ts'
import { pack } from '../../workflows/domain/packed.ts'
import type { RecordReference } from '../../workflows/messages.ts'
import { conditionOf } from '../certificate/request.ts'
import { requestFacts } from '../certificate/view.ts'
import type { AcmeClient, Authorization, Order as CaOrder } from '../clients/acme.ts'
import type { ActivityDeps } from '../deps.ts'
import type { Events } from '../events.ts'
import { CertloomError } from '../failure.ts'
import { builtInIssuer, requireReadyIssuer, type LiveIssuer } from '../issuers/issuer.ts'
import { isControlledBy } from '../objects.ts'
import { acmeAccount, acmeSpec } from './account.ts'
import { claimsOf } from './claims.ts'
import { placeOrder } from './place-order.ts'
import { planChallenge } from './plan-challenge.ts'

/** The life of an order whose CA names no end, in milliseconds. */
const DEFAULT_LIFE_MS = 3_600_000

/**
 * Orders at the CA and writes down what there is to prove. The Order is made with the URL of the order on it before
 * anything else happens, and where the API server refuses it the next try is told of the order: only a crash in the
 * instant between the two can lose one.
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

  const { order, ordered, isNew } = await placeOrder(deps, {
    request,
    account,
    spec,
    issuer,
    placed: input.placed,
  })
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

function authorizations(account: AcmeClient, ordered: CaOrder): Promise<(Authorization & { url: string })[]> {
  return Promise.all(
    ordered.authorizations.map(async (url) => ({ ...(await account.authorization(url)), url })),
  )
}
