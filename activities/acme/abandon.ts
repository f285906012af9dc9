import type { CertificateRequest } from '../../k8s-bridge/api/certificate-request.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import type { Order } from '../../k8s-bridge/api/order.ts'
import type { OrderInput } from '../../workflows/activities.ts'
import { formatTime } from '../../workflows/domain/time-text.ts'
import { cleanText } from '../clean-text.ts'
import type { ActivityDeps } from '../deps.ts'
import { CertloomError } from '../failure.ts'
import { problemText, type AcmeClient } from '../clients/acme.ts'
import { builtInIssuer, readIssuer, type IssuerName } from '../issuers/issuer.ts'
import { isControlledBy } from '../objects.ts'
import { acmeAccount } from './account.ts'
import { isFinal, placeOf, removeChallenges, writeOrderStatus } from './objects.ts'

const GIVEN_UP = 'The attempt was given up'

/**
 * Gives an order up: its pending authorizations are deactivated, so that they do not count against the account, the
 * Order says so, or what the CA said where it ended the order itself, and its Challenges go. A second run is harmless:
 * an Order in a final state is left alone, and Challenges that are gone are no Challenges.
 */
export async function abandonOrder(deps: ActivityDeps, input: OrderInput): Promise<void> {
  const order = await orderOf(deps, input)
  if (order === undefined || !isFinal(order)) await giveUp(deps, order, input)
  await removeChallenges(deps.kubernetes, order)
}

async function giveUp(deps: ActivityDeps, order: Order | undefined, input: OrderInput): Promise<void> {
  const { url } = placeOf(order) ?? input.placed ?? {}
  const issuer =
    order === undefined
      ? input.placed?.issuer
      : builtInIssuer(order.spec.issuerRef, order.metadata.namespace ?? '')
  const verdict = url === undefined || issuer === undefined ? undefined : await deactivate(deps, url, issuer)
  if (order === undefined) return
  const end =
    verdict === undefined
      ? { state: 'errored' as const, reason: GIVEN_UP }
      : { state: 'invalid' as const, reason: verdict }
  await writeOrderStatus(deps.kubernetes, order, { ...end, failureTime: formatTime(Date.now()) })
}

/** Undefined where it went with its Certificate already. */
async function orderOf({ kubernetes }: ActivityDeps, input: OrderInput): Promise<Order | undefined> {
  const { namespace } = input.certificate
  const path = apiPath('CertificateRequest', namespace, input.request)
  const request = await kubernetes.get<CertificateRequest>(path)
  if (request === undefined) return undefined
  const { items } = await kubernetes.list<Order>(apiPath('Order', namespace))
  return items.find((one) => isControlledBy(one, request.metadata.uid ?? ''))
}

/**
 * A courtesy to the CA: where it cannot be done, the authorizations simply expire. Returns why the CA refused the order,
 * if it did.
 */
async function deactivate(deps: ActivityDeps, url: string, name: IssuerName): Promise<string | undefined> {
  let verdict: string | undefined
  try {
    const issuer = await readIssuer(deps, name)
    if (issuer === undefined) return undefined
    const account = await acmeAccount(deps, issuer)
    const { authorizations } = await account.order(url)
    for (const one of authorizations) verdict = (await endAuthorization(account, one)) ?? verdict
  } catch (error) {
    if (!(error instanceof CertloomError)) throw error
    deps.log.info({ url, code: error.failure.code }, 'authorizations of an abandoned order left to expire')
  }
  return verdict
}

/** Why the authorization is invalid, if it is; one that is pending is deactivated. */
async function endAuthorization(account: AcmeClient, url: string): Promise<string | undefined> {
  const { status, identifier, challenges } = await account.authorization(url)
  if (status === 'pending') await account.deactivateAuthorization(url)
  if (status !== 'invalid') return undefined
  const problem = challenges.find((challenge) => challenge.error !== undefined)?.error
  return cleanText(
    `${identifier.value}: ${problem === undefined ? 'the authorization is invalid' : problemText(problem)}`,
  )
}
