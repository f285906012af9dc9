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
import { isControlledBy, labels, ownedBy } from '../objects.ts'
import { challengeNameLabel } from './record.ts'

export const CHALLENGE_FINALIZER = 'acme.cert-manager.io/finalizer'

/** The uid of the request is part of the name: a request that was made anew gets an Order of its own. */
export function orderNameOf(request: CertificateRequest, spec: Omit<OrderSpec, 'request'>): string {
  return orderName(request.metadata.name, goJson({ ...spec, uid: request.metadata.uid }))
}

export async function ensureOrder(
  kubernetes: Kubernetes,
  request: CertificateRequest,
  spec: OrderSpec,
): Promise<Order> {
  const { request: _csr, ...named } = spec
  const name = orderNameOf(request, named)
  const { namespace, annotations, labels: given } = request.metadata
  return createOrTake<Order>(kubernetes, 'Order', request.metadata.uid ?? '', {
    metadata: {
      name,
      namespace,
      annotations,
      labels: given,
      ownerReferences: [ownedBy('CertificateRequest', request)],
    },
    spec,
  })
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
      labels: { [labels.certificate]: certificateUid, [labels.challengeName]: challengeNameLabel(fqdn) },
      ownerReferences: [ownedBy('Order', order)],
    },
    spec,
  })
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
    if (found !== undefined && isControlledBy(found, owner)) return found
    throw new CertloomError('SecretInUse', `${kind} ${namespace}/${name} exists and is not ours; delete it`)
  }
}

/** Writes the whole /status; nothing where nothing changes. A second run writes the same. */
export async function writeOrderStatus(
  kubernetes: Kubernetes,
  order: Order,
  change: Partial<OrderStatus>,
): Promise<Order> {
  const status = { ...order.status, ...change }
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
