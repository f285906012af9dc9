import * as z from 'zod'
import { objectName, stringList } from '../fields.ts'

export const crlDistributionPoints = stringList().describe(
  'URLs of revocation lists to put into each certificate. Default: none.',
)

export const caIssuer = z
  .object({
    secretName: objectName().describe(
      'Secret with the CA: certificate chain in tls.crt, private key in tls.key.',
    ),
    crlDistributionPoints: crlDistributionPoints.optional(),
    ocspServers: stringList()
      .describe('URLs of OCSP responders to put into each certificate. Default: none.')
      .optional(),
    issuingCertificateURLs: stringList()
      .describe('URLs of the CA certificate to put into each certificate. Default: none.')
      .optional(),
  })
  .describe('Signs with a CA whose key is in a Secret.')
export type CaIssuer = z.output<typeof caIssuer>
