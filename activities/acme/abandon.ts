import type { CertificateRequest } from '../../k8s-bridge/api/certificate-request.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import type { Order } from '../../k8s-bridge/api/order.ts'
import type { OrderInput } from '../../workflows/activities.ts'
import type { ActivityDeps } from '../deps.ts'
import { CertloomError } from '../failure.ts'
import { builtInIssuer, readIssuer } from '../issuers/issuer.ts'
import { isControlledBy } from '../objects.ts'
import { acmeAccount } from './account.ts'
import { now } from './create-order.ts'
import { writeOrderStatus } from './objects.ts'

const FINAL = ['valid', 'invalid', 'expired', 'errored']

/**
 * Gives an order up: its pending authorizations are deactivated, so that they do not count against the account, and
 * the Order says so. A second run is harmless: an Order in a final state is left alone.
 */
export async function abandonOrder(deps: ActivityDeps, input: OrderInput): Promise<void> {
  const { namespace } = input.certificate
  const request = await deps.kubernetes.get<CertificateRequest>(apiPath('CertificateRequest', namespace, input.request))
  if (request === undefined) return
  const { items } = await deps.kubernetes.list<Order>(apiPath('Order', namespace))
  const order = items.find((one) => isControlledBy(one, request.metadata.uid ?? ''))
  if (order === undefined || FINAL.includes(order.status?.state ?? '')) return
  await deactivate(deps, order)
  await writeOrderStatus(deps.kubernetes, order, { state: 'errored', reason: 'The attempt was given up', failureTime: now() })
}

/** A courtesy to the CA: where it cannot be done, the authorizations simply expire. */
async function deactivate(deps: ActivityDeps, order: Order): Promise<void> {
  try {
    const name = builtInIssuer(order.spec.issuerRef, order.metadata.namespace ?? '')
    const issuer = name === undefined ? undefined : await readIssuer(deps, name)
    if (issuer === undefined || order.status?.url === undefined) return
    const account = await acmeAccount(deps, issuer)
    for (const { url } of order.status.authorizations ?? []) {
      const { status } = await account.authorization(url)
      if (status === 'pending') await account.deactivateAuthorization(url)
    }
  } catch (error) {
    if (!(error instanceof CertloomError)) throw error
    deps.log.info({ order: order.metadata.name, code: error.failure.code }, 'authorizations of an abandoned order left to expire')
  }
}
