import type { CertificateRequest } from '../../k8s-bridge/api/certificate-request.ts'
import type { ChallengeSpec } from '../../k8s-bridge/api/challenge.ts'
import type { Order } from '../../k8s-bridge/api/order.ts'
import type { ChallengePlan, OrderInput } from '../../workflows/activities.ts'
import { challengeFqdn } from '../../workflows/domain/names.ts'
import type { AcmeClient, Authorization } from '../clients/acme.ts'
import type { ActivityDeps } from '../deps.ts'
import { resolveChallengeName } from '../dns/cname.ts'
import type { Events } from '../events.ts'
import { CertloomError } from '../failure.ts'
import type { LiveIssuer } from '../issuers/issuer.ts'
import { ensureChallenge } from './objects.ts'
import { providerFor, solverFor } from './solver.ts'

interface Planning {
  order: Order
  issuer: LiveIssuer
  account: AcmeClient
  input: OrderInput
  events: Events
  request: CertificateRequest
}

/** What there is to prove for one authorization, with its Challenge made, before anything is put into DNS. */
export async function planChallenge(
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
