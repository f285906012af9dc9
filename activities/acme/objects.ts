import type { CertificateRequest } from '../../k8s-bridge/api/certificate-request.ts'
import type { Challenge, ChallengeSpec, ChallengeStatus } from '../../k8s-bridge/api/challenge.ts'
import type { ObjectMetadata } from '../../k8s-bridge/api/metadata.ts'
import { apiPath, apiVersionOf } from '../../k8s-bridge/api/kinds.ts'
import type { Order, OrderSpec, OrderStatus } from '../../k8s-bridge/api/order.ts'
import { computeName, goJson, orderName } from '../../workflows/domain/names.ts'
import type { ChallengePlan } from '../../workflows/activities.ts'
import { isStatus, KubernetesError, type Kubernetes } from '../clients/kubernetes.ts'
import { canonicalJson } from '../hash.ts'
import { CertloomError } from '../failure.ts'
import { annotations, isControlledBy, labels, ownedBy } from '../objects.ts'
import { challengeNameLabel } from './record.ts'

export const CHALLENGE_FINALIZER = 'acme.cert-manager.io/finalizer'

/** The uid of the request is part of the name: a request that was made anew gets an Order of its own. */
export function orderNameOf(request: CertificateRequest, spec: Omit<OrderSpec, 'request'>): string {
  return orderName(request.metadata.name, goJson({ ...spec, uid: request.metadata.uid }))
}

/** The Order that an earlier run made for the request. */
export async function findOrder(
  kubernetes: Kubernetes,
  request: CertificateRequest,
  spec: OrderSpec,
): Promise<Order | undefined> {
  const { request: _csr, ...named } = spec
  const { namespace } = request.metadata
  const found = await kubernetes.get<Order>(apiPath('Order', namespace, orderNameOf(request, named)))
  if (found === undefined) return undefined
  return takeOwn('Order', found, request.metadata.uid ?? '')
}

/** Writes an order that the CA has taken down, with its URL in the same write; one that is there already stays. */
export async function recordOrder(
  kubernetes: Kubernetes,
  request: CertificateRequest,
  spec: OrderSpec,
  place: OrderPlace,
): Promise<Order> {
  const { request: _csr, ...named } = spec
  const { namespace, annotations: given, labels: same } = request.metadata
  return createOrTake<Order>(kubernetes, 'Order', request.metadata.uid ?? '', {
    metadata: {
      name: orderNameOf(request, named),
      namespace,
      annotations: { ...given, [annotations.order]: JSON.stringify(place) },
      labels: same,
      ownerReferences: [ownedBy('CertificateRequest', request)],
    },
    spec,
  })
}

/** Where an order is at the CA (RFC 8555 7.1.3). */
export interface OrderPlace {
  url: string
  finalizeURL: string
}

/** Where the order is, as the Order says; undefined where it was never made. */
export function placeOf(order: Order | undefined): OrderPlace | undefined {
  const { url, finalizeURL } = order?.status ?? {}
  if (url !== undefined && finalizeURL !== undefined) return { url, finalizeURL }
  const text = order?.metadata.annotations?.[annotations.order]
  if (text === undefined) return undefined
  try {
    const place = JSON.parse(text) as Partial<OrderPlace>
    return typeof place.url === 'string' && typeof place.finalizeURL === 'string'
      ? { url: place.url, finalizeURL: place.finalizeURL }
      : undefined
  } catch {
    // Not as we wrote it: the CA is asked for another order.
    return undefined
  }
}

export function challengeNameOf(order: Order, spec: ChallengeSpec): string {
  const { key: _key, ...named } = spec
  return computeName(order.metadata.name, goJson(named))
}

export async function ensureChallenge(
  kubernetes: Kubernetes,
  order: Order,
  spec: ChallengeSpec,
  certificateUid: string,
  fqdn: string,
): Promise<Challenge> {
  const { namespace } = order.metadata
  return createOrTake<Challenge>(kubernetes, 'Challenge', order.metadata.uid ?? '', {
    metadata: {
      name: challengeNameOf(order, spec),
      namespace,
      labels: {
        [labels.certificate]: certificateUid,
        [labels.order]: order.metadata.uid ?? '',
        [labels.challengeName]: challengeNameLabel(fqdn),
      },
      ownerReferences: [ownedBy('Order', order)],
    },
    spec,
  })
}

/** The Challenges of an order that are still there. */
export async function challengesOf(kubernetes: Kubernetes, order: Order): Promise<Challenge[]> {
  const { namespace, uid = '' } = order.metadata
  const query = { labelSelector: `${labels.order}=${uid}` }
  const { items } = await kubernetes.list<Challenge>(apiPath('Challenge', namespace), query)
  return items.filter((one) => isControlledBy(one, uid))
}

const FINAL = ['valid', 'invalid', 'expired', 'errored']

/** Whether the Order says that nothing more will come of it. */
export function isFinal(order: Order): boolean {
  return FINAL.includes(order.status?.state ?? '')
}

/**
 * Takes away the Challenges of an order that is over, in one call where none of them waits for its record to go; one
 * that does is taken away by its clean-up, which finds the order over then.
 */
export async function removeChallenges(kubernetes: Kubernetes, order: Order | undefined): Promise<void> {
  if (order === undefined) return
  const challenges = await challengesOf(kubernetes, order)
  const { namespace, uid = '' } = order.metadata
  const free = challenges.filter(({ metadata }) => (metadata.finalizers ?? []).length === 0)
  if (free.length > 1 && free.length === challenges.length) {
    const query = { labelSelector: `${labels.order}=${uid}` }
    return kubernetes.deleteCollection(apiPath('Challenge', namespace), query)
  }
  for (const { metadata } of free)
    await kubernetes.delete(apiPath('Challenge', namespace, metadata.name), { uid: metadata.uid })
}

async function createOrTake<T extends { metadata: Order['metadata'] }>(
  kubernetes: Kubernetes,
  kind: 'Order' | 'Challenge',
  owner: string,
  object: { metadata: Omit<ObjectMetadata, 'namespace'> & { namespace: string | undefined }; spec: object },
): Promise<T> {
  const { name, namespace } = object.metadata
  try {
    return await kubernetes.create<T>(apiPath(kind, namespace), {
      apiVersion: apiVersionOf(kind),
      kind,
      ...object,
    })
  } catch (error) {
    if (!isStatus(error, 409)) throw error
    const found = await kubernetes.get<T>(apiPath(kind, namespace, name))
    // Gone again at that very moment: the next run makes it.
    if (found === undefined) throw error
    return takeOwn(kind, found, owner)
  }
}

function takeOwn<T extends { metadata: ObjectMetadata }>(kind: string, found: T, owner: string): T {
  if (isControlledBy(found, owner)) return found
  const { namespace, name } = found.metadata
  throw new CertloomError('SecretInUse', `${kind} ${namespace}/${name} exists and is not ours; delete it`)
}

/** Writes the whole /status; nothing where nothing changes. A second run writes the same. */
export async function writeOrderStatus(
  kubernetes: Kubernetes,
  order: Order,
  change: Partial<OrderStatus>,
): Promise<Order> {
  const status = { ...placeOf(order), ...order.status, ...change }
  if (canonicalJson(status) === canonicalJson(order.status ?? {})) return order
  return patchStatus<Order>(kubernetes, 'Order', order, status)
}

export async function writeChallengeStatus(
  kubernetes: Kubernetes,
  challenge: Challenge,
  change: Partial<ChallengeStatus>,
): Promise<Challenge> {
  const status = { ...challenge.status, ...change }
  if (canonicalJson(status) === canonicalJson(challenge.status ?? {})) return challenge
  return patchStatus<Challenge>(kubernetes, 'Challenge', challenge, status)
}

function patchStatus<T>(
  kubernetes: Kubernetes,
  kind: 'Order' | 'Challenge',
  object: { metadata: Order['metadata'] },
  status: object,
) {
  const { namespace, name, uid } = object.metadata
  return kubernetes.patch<T>(apiPath(kind, namespace, name, 'status'), [
    { op: 'test', path: '/metadata/uid', value: uid },
    { op: 'add', path: '/status', value: status },
  ])
}

/** The Challenge of a plan, provided that it is still the same one. */
export async function readChallenge(
  kubernetes: Kubernetes,
  plan: Pick<ChallengePlan, 'challenge'>,
): Promise<Challenge | undefined> {
  const { namespace, name, uid } = plan.challenge
  const found = await kubernetes.get<Challenge>(apiPath('Challenge', namespace, name))
  return found?.metadata.uid === uid ? found : undefined
}

export async function requireChallenge(
  kubernetes: Kubernetes,
  plan: Pick<ChallengePlan, 'challenge'>,
): Promise<Challenge> {
  const challenge = await readChallenge(kubernetes, plan)
  if (challenge === undefined || challenge.metadata.deletionTimestamp !== undefined) {
    throw new CertloomError(
      'ObjectGone',
      `Challenge ${plan.challenge.namespace}/${plan.challenge.name} is gone`,
    )
  }
  return challenge
}

/** Replaces the given metadata maps and lists of a Challenge; retried by the caller's next run where it changed. */
export async function patchChallengeMetadata(
  kubernetes: Kubernetes,
  challenge: Challenge,
  change: { finalizers: string[]; annotations: Record<string, string> },
): Promise<Challenge | undefined> {
  const { namespace, name, uid, resourceVersion } = challenge.metadata
  try {
    return await kubernetes.patch<Challenge>(apiPath('Challenge', namespace, name), [
      { op: 'test', path: '/metadata/uid', value: uid },
      { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
      { op: 'add', path: '/metadata/annotations', value: change.annotations },
      { op: 'add', path: '/metadata/finalizers', value: change.finalizers },
    ])
  } catch (error) {
    if (error instanceof KubernetesError && error.status === 404) return undefined
    throw error
  }
}
