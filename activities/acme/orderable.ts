import type { Certificate } from '../../k8s-bridge/api/certificate.ts'
import { orderIdentifiers } from '../../workflows/domain/identifiers.ts'
import type { ActivityDeps } from '../deps.ts'
import { CertloomError } from '../failure.ts'
import type { LiveIssuer } from '../issuers/issuer.ts'
import { providerFor, solverFor } from './solver.ts'

/**
 * Whether the names of a Certificate can be ordered and proven right now: identifiers, solvers, plugins, Secrets. All
 * of it is found out before an order exists, so a mistake burns none.
 */
export async function checkOrderable(
  deps: ActivityDeps,
  issuer: LiveIssuer,
  certificate: Certificate,
): Promise<void> {
  const {
    commonName = '',
    dnsNames = [],
    ipAddresses = [],
    uris = [],
    emailAddresses = [],
  } = certificate.spec
  const otherNames = (certificate.spec.otherNames ?? []).map(({ oid = '', utf8Value = '' }) => ({
    oid,
    utf8Value,
  }))
  const named = orderIdentifiers({ commonName, dnsNames, ipAddresses, uris, emailAddresses, otherNames })
  if ('failure' in named) throw new CertloomError(named.failure.code, named.failure.message)
  const solvers = new Map<number, () => Promise<void>>()
  for (const { type, value } of named.identifiers) {
    if (type === 'ip') {
      // RFC 8738 7: dns-01 must not be used for an address.
      const message = `The IP address ${value} needs an http-01 solver, which this release does not serve`
      throw new CertloomError('NameNotOrderable', message)
    }
    const wildcard = value.startsWith('*.')
    const identifier = value.replace(/^\*\./, '')
    const question = {
      identifier,
      wildcard,
      offeredTypes: ['dns-01', 'http-01'],
      labels: certificate.metadata.labels,
    }
    const { solver, index } = solverFor(issuer, question)
    solvers.set(index, () => providerFor(deps, issuer, solver, index).ready())
  }
  for (const ready of solvers.values()) await ready()
}
