import type { CertificateRequest } from '../../k8s-bridge/api/certificate-request.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import type { Challenge } from '../../k8s-bridge/api/challenge.ts'
import type { Authorization as OrderAuthorization, Order } from '../../k8s-bridge/api/order.ts'
import type { FinalizeInput, Published } from '../../workflows/activities.ts'
import { ISSUED, writeRequestStatus } from '../certificate/request.ts'
import { publish } from '../certificate/publish.ts'
import { AcmeProblem, type AcmeClient, type Order as CaOrder } from '../clients/acme.ts'
import { orderChain, requestDer, verifyIssued } from '../clients/x509.ts'
import type { ActivityDeps } from '../deps.ts'
import type { Events } from '../events.ts'
import { CertloomError } from '../failure.ts'
import { builtInIssuer, requireReadyIssuer } from '../issuers/issuer.ts'
import { acmeAccount, acmeSpec } from './account.ts'
import { invalidOrder } from './place-order.ts'
import { challengesOf, isFinal, placeOf, removeChallenges, writeOrderStatus } from './objects.ts'
import { askAbout } from './lost-order.ts'
import { Polls } from './polls.ts'

/** How long one run waits for the CA to sign before that is shown, in milliseconds. */
const SIGNING_MS = 120_000

/**
 * Finalizes the order, takes the certificate home and publishes it.
 *
 * A second run is harmless: a request that has its certificate goes straight to publishing, with an Order that was left
 * behind finished first, and the state of the order at the CA says whether it was finalized.
 */
export async function finalizeAndPublish(
  deps: ActivityDeps,
  input: FinalizeInput,
  signal: AbortSignal,
  events: Events,
): Promise<Published> {
  const { namespace } = input.certificate
  const [order, request] = await Promise.all([
    deps.kubernetes.get<Order>(apiPath('Order', namespace, input.order)),
    deps.kubernetes.get<CertificateRequest>(apiPath('CertificateRequest', namespace, input.request)),
  ])
  if (request === undefined)
    throw new CertloomError('ObjectGone', `CertificateRequest ${namespace}/${input.request} is gone`)
  if (request.status?.certificate === undefined) {
    if (order === undefined)
      throw new CertloomError('ObjectGone', `Order ${namespace}/${input.order} is gone`)
    await fetchCertificate(deps, order, request, signal, events)
  } else if (order !== undefined && !isFinal(order)) {
    // An earlier run came no further than the request: what its Challenges tell of the order is all that is needed.
    const challenges = await challengesOf(deps.kubernetes, order)
    const authorizations = [...new Set(challenges.map(({ spec }) => spec.authorizationURL))]
    await finish(deps, order, described(authorizations, challenges), request.status.certificate)
    tell(order, request, events)
  }
  const [published] = await Promise.all([
    publish(deps, input, events),
    removeChallenges(deps.kubernetes, order),
  ])
  return published
}

async function fetchCertificate(
  deps: ActivityDeps,
  order: Order,
  request: CertificateRequest,
  signal: AbortSignal,
  events: Events,
): Promise<void> {
  const name = builtInIssuer(request.spec.issuerRef, request.metadata.namespace ?? '')
  if (name === undefined)
    throw new CertloomError('UnsupportedIssuer', 'the issuer is served by another controller')
  // Before anything else: a record that is on its way out of DNS takes its Challenge along.
  const challenges = await challengesOf(deps.kubernetes, order)
  const issuer = await requireReadyIssuer(deps, name)
  const account = await acmeAccount(deps, issuer)
  const csrPem = Buffer.from(request.spec.request, 'base64').toString()

  const csr = requestDer(csrPem)
  const ordered = await askAbout(`Order ${order.metadata.name}`, () =>
    signed(deps, account, order, csr, signal),
  )
  const { preferredChain } = acmeSpec(issuer)
  const pem = await account.certificate(ordered.certificate, { preferredChain: preferredChain || undefined })
  verifyIssued({ chainPem: pem, request: { csrPem }, now: new Date() })
  const { chainPem } = orderChain(pem)

  const authorizations = described(ordered.authorizations, challenges)
  await Promise.all([
    writeRequestStatus(deps.kubernetes, request, { conditions: [ISSUED], certificatePem: chainPem }),
    finish(deps, order, authorizations, Buffer.from(chainPem).toString('base64')),
  ])
  tell(order, request, events)
}

async function finish(
  { kubernetes }: ActivityDeps,
  order: Order,
  authorizations: OrderAuthorization[],
  certificate: string,
): Promise<void> {
  await writeOrderStatus(kubernetes, order, { state: 'valid', authorizations, certificate })
}

function tell(order: Order, request: CertificateRequest, events: Events): void {
  events.normal({ kind: 'Order', metadata: order.metadata }, 'Complete', 'Order completed successfully')
  events.normal(
    { kind: 'CertificateRequest', metadata: request.metadata },
    'CertificateIssued',
    ISSUED.message,
  )
}

/** What was proven for each authorization, as far as its Challenge tells; the CA is not asked once more. */
function described(
  authorizations: readonly string[],
  challenges: readonly Challenge[],
): OrderAuthorization[] {
  return authorizations.map((at) => {
    const spec = challenges.find((one) => one.spec.authorizationURL === at)?.spec
    if (spec === undefined) return { url: at }
    const { dnsName, wildcard, url, token } = spec
    const proven = { url, token, type: spec.type.toLowerCase() }
    return { url: at, identifier: dnsName, wildcard, initialState: 'pending', challenges: [proven] }
  })
}

/** The order once the CA has signed. */
async function signed(
  deps: ActivityDeps,
  account: AcmeClient,
  order: Order,
  csr: Buffer,
  signal: AbortSignal,
): Promise<{ certificate: string; authorizations: string[] }> {
  const place = placeOf(order)
  if (place === undefined)
    throw new CertloomError('OrderInvalid', `Order ${order.metadata.name} has lost its URL`)
  const { url, finalizeURL: finalizeUrl } = place
  const polls = new Polls(Date.now() + SIGNING_MS, deps.settings)
  // Finalizing at once saves a look in the usual case; a CA that is not there yet says orderNotReady (RFC 8555 7.4).
  let seen: Omit<CaOrder, 'url'> = await finalize(account, url, finalizeUrl, csr, polls)
  for (;;) {
    const { certificate, authorizations } = seen
    if (seen.status === 'valid' && certificate !== undefined) return { certificate, authorizations }
    if (seen.status === 'invalid') throw await invalidOrder(deps.kubernetes, order, seen)
    const notBefore = await polls.pause(seen, signal)
    if (notBefore !== undefined)
      throw new CertloomError('SigningPending', `Order ${order.metadata.name} is ${seen.status} at the CA`, {
        notBefore,
      })
    seen = await account.order(url)
    if (seen.status === 'ready') seen = await finalize(account, url, finalizeUrl, csr, polls)
  }
}

async function finalize(
  account: AcmeClient,
  url: string,
  finalizeUrl: string,
  csr: Buffer,
  polls: Polls,
): Promise<Omit<CaOrder, 'url'>> {
  try {
    const seen = await account.finalize(finalizeUrl, csr)
    polls.posted()
    return seen
  } catch (error) {
    // Not ready yet, or finalized by an earlier run of this step: the order itself tells.
    if (!(error instanceof AcmeProblem) || !(error.is('orderNotReady') || error.status === 403)) throw error
    const seen = await account.order(url)
    // On its way to ready: its last name was proven just now. One that is signed already keeps the pace of the CA.
    if (seen.status !== 'processing') polls.posted()
    return seen
  }
}
