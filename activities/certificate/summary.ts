import type { CertificateSummary } from '../../workflows/activities.ts'
import type { CertificateFacts } from '../../workflows/domain/x509-facts.ts'

/** The part of a certificate that histories keep. */
export function summaryOf(facts: CertificateFacts): CertificateSummary {
  const { serial, fingerprint, notBefore, notAfter, issuerName } = facts
  return { serial, fingerprint, notBefore, notAfter, issuer: issuerName }
}
