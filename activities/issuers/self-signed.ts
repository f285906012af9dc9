import { signRequest } from '../clients/x509.ts'
import type { Signer } from './signer.ts'

/** Signs each certificate with its own key. */
export const selfSigned: Signer = {
  check: () => Promise.resolve(),
  sign: (_deps, issuer, { csrPem, key, ...order }) =>
    signRequest({
      ...order,
      csrPem,
      issuer: { kind: 'selfSigned', key },
      crlDistributionPoints: issuer.object.spec.selfSigned?.crlDistributionPoints,
      now: new Date(),
    }),
}
