import type { CertificateRequest } from '../../k8s-bridge/api/certificate-request.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import type { Order, OrderSpec } from '../../k8s-bridge/api/order.ts'
import { orderIdentifiers } from '../../workflows/domain/identifiers.ts'
import { durationSeconds } from '../../workflows/domain/lifetime.ts'
import type { PlacedOrder } from '../../workflows/domain/placed-order.ts'
import { formatTime } from '../../workflows/domain/time-text.ts'
import { toCertloomError } from '../boundary.ts'
import { AcmeProblem, problemText, type AcmeClient, type Order as CaOrder } from '../clients/acme.ts'
import type { Kubernetes } from '../clients/kubernetes.ts'
import type { ActivityDeps } from '../deps.ts'
import { CertloomError } from '../failure.ts'
import type { LiveIssuer } from '../issuers/issuer.ts'
import { acmeSpec } from './account.ts'
import { findOrder, placeOf, recordOrder, writeOrderStatus } from './objects.ts'

interface Wanted {
  request: CertificateRequest
  account: AcmeClient
  spec: OrderSpec
  issuer: LiveIssuer
  /** An order of an earlier try that could not be written down. */
  placed?: PlacedOrder
}

export interface Placed {
  order: Order
  ordered: CaOrder
  /** Whether the Order was made now. */
  isNew: boolean
}

/**
 * The order at the CA: the one that the Order names, or a new one that is written down at once. Where the API server
 * refuses that, the failure names the order, so that the next try takes it instead of ordering once more.
 */
export async function placeOrder({ kubernetes }: ActivityDeps, wanted: Wanted): Promise<Placed> {
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
  const ordered = (await unrecorded(account, wanted.placed)) ?? (await newOrder(wanted))
  const order = await record(kubernetes, wanted, ordered)
  const recorded = placeOf(order)?.url
  // Another worker was faster, after this one had been taken for lost: its order counts, this one expires.
  if (recorded !== undefined && recorded !== ordered.url)
    return { order, ordered: await account.order(recorded), isNew: false }
  return { order, ordered, isNew: true }
}

/** The order of an earlier try, if it can still be proven. */
async function unrecorded(account: AcmeClient, placed?: PlacedOrder): Promise<CaOrder | undefined> {
  if (placed === undefined) return undefined
  const known = await existing(account, placed.url)
  return known?.status === 'pending' || known?.status === 'ready' ? known : undefined
}

async function record(
  kubernetes: Kubernetes,
  { request, spec, issuer }: Wanted,
  { url, finalize }: CaOrder,
): Promise<Order> {
  try {
    return await recordOrder(kubernetes, request, spec, { url, finalizeURL: finalize })
  } catch (error) {
    const { code, message } = toCertloomError(error).failure
    const { kind, namespace, name } = issuer
    throw new CertloomError(code, message, {
      cause: error,
      placed: { url, issuer: { kind, namespace, name } },
    })
  }
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
  await writeOrderStatus(kubernetes, order, {
    state: 'invalid',
    reason: text,
    failureTime: formatTime(Date.now()),
  })
  return new CertloomError('OrderInvalid', `Order ${order.metadata.name} is invalid: ${text}`)
}
