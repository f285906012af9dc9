import * as z from 'zod'
import { requestConditions } from './conditions.ts'
import { bytes, goDuration, optionalInCrd, stringList, time } from './fields.ts'
import { objectMetadata, typeFields } from './metadata.ts'
import { issuerReference } from './references.ts'
import { usages } from './usages.ts'

export const certificateRequestSpec = z
  .object({
    request: bytes().describe('The CSR (PKCS#10) as PEM, base64 once more. Its signature is verified.'),
    issuerRef: issuerReference.describe('The issuer that is asked to sign.'),
    duration: goDuration().describe('Lifetime to ask for. Default: that of the issuer.').optional(),
    isCA: z.boolean().describe('Ask for a CA certificate. Default: false.').optional(),
    usages: usages.optional(),
    username: z.string().describe('Who created the request. Set by the API server.').optional(),
    uid: z.string().describe('UID of that user. Set by the API server.').optional(),
    groups: stringList().describe('Groups of that user. Set by the API server.').optional(),
    extra: z
      .record(z.string(), z.array(z.string()))
      .describe('Further attributes of that user. Set by the API server.')
      .optional(),
  })
  .describe('What is asked for, and by whom. Cannot be changed.')
export type CertificateRequestSpec = z.output<typeof certificateRequestSpec>

export const certificateRequestStatus = z
  .object({
    conditions: requestConditions
      .describe(
        'Approved or Denied from an approver, then Ready from the issuer; InvalidRequest if it cannot be met.',
      )
      .optional(),
    certificate: bytes().describe('The certificate and its intermediates as PEM, leaf first.').optional(),
    ca: bytes().describe('The CA at the top of the chain as PEM, if the issuer names it.').optional(),
    failureTime: time().describe('When the request failed or was denied. It is final then.').optional(),
  })
  .describe('What became of the request.')
export type CertificateRequestStatus = z.output<typeof certificateRequestStatus>

export const certificateRequest = z
  .object({
    ...typeFields,
    metadata: optionalInCrd(objectMetadata),
    spec: optionalInCrd(certificateRequestSpec),
    status: certificateRequestStatus.optional(),
  })
  .describe(
    'One request to an issuer for one certificate. It needs approval, and is never reopened once final.',
  )
export type CertificateRequest = z.output<typeof certificateRequest>
