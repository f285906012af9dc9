import type { CertificateReference } from '../../workflows/activities.ts'
import { AcmeProblem } from '../clients/acme.ts'
import { readCertificate } from '../certificate/view.ts'
import type { ActivityDeps } from '../deps.ts'
import type { Events } from '../events.ts'
import { builtInIssuer } from '../issuers/issuer.ts'
import { verifyIssuer } from '../issuers/verify.ts'

/**
 * Runs a step of an attempt; where the CA turns out to have forgotten the account (RFC 8555 6.7 accountDoesNotExist: a
 * CA that was rebuilt, a database that was restored), registers the same key again and runs the step once more.
 *
 * A second run is harmless: an account that exists is found by its key.
 */
export async function withAccount<T>(
  deps: ActivityDeps,
  certificate: CertificateReference,
  events: Events,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof AcmeProblem) || !error.is('accountDoesNotExist')) throw error
    const found = await readCertificate(deps.kubernetes, certificate)
    const issuer =
      found === undefined ? undefined : builtInIssuer(found.spec.issuerRef, certificate.namespace)
    if (issuer === undefined) throw error
    const look = await verifyIssuer(deps, issuer, events, true)
    if (!look.ready) throw error
  }
  return work()
}
