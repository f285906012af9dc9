import * as z from 'zod'
import { acmeState } from './acme-state.ts'
import { atomicList, bytes, goDuration, stringList, time } from './fields.ts'
import { objectMetadata, typeFields } from './metadata.ts'
import { issuerReference } from './references.ts'

export const orderSpec = z
  .object({
    request: bytes().describe(
      'The CSR (PKCS#10) as PEM, base64 once more. Sent when the order is finalized.',
    ),
    issuerRef: issuerReference.describe('The ACME issuer.'),
    commonName: z.string().describe('Common name of the CSR, ordered like the other names.').optional(),
    dnsNames: stringList().describe('DNS names to order.').optional(),
    ipAddresses: stringList().describe('IP addresses to order (RFC 8738).').optional(),
    duration: goDuration()
      .describe('Lifetime to ask for. Sent only if the issuer sets enableDurationFeature.')
      .optional(),
    profile: z.string().describe('Profile of the CA to order.').optional(),
    replaces: z
      .string()
      .describe('ARI identifier of the certificate that this one replaces (RFC 9773).')
      .optional(),
  })
  .describe('What is ordered. Cannot be changed.')
export type OrderSpec = z.output<typeof orderSpec>

const orderChallenge = z
  .object({
    url: z.string().describe('URL of the challenge at the CA.'),
    token: z.string().describe('Token of the challenge. Public by protocol.'),
    type: z.string().describe('Type as the CA writes it, such as http-01 or dns-01.'),
  })
  .describe('One way to prove control of the name.')

const authorization = z
  .object({
    url: z.string().describe('URL of the authorization at the CA.'),
    identifier: z.string().describe('DNS name, without "*.", or IP address.').optional(),
    wildcard: z.boolean().describe('Whether the wildcard of the name was ordered.').optional(),
    initialState: acmeState
      .describe('State when the order was made. If valid, nothing needs to be proven.')
      .optional(),
    challenges: atomicList(orderChallenge).describe('The ways that the CA offers.').optional(),
  })
  .describe('The proof that the CA wants for one name.')
export type Authorization = z.output<typeof authorization>

export const orderStatus = z
  .object({
    url: z.string().describe('URL of the order at the CA.').optional(),
    finalizeURL: z.string().describe('URL that takes the CSR.').optional(),
    state: acmeState
      .describe('State of the order. Empty: not ordered yet. valid, invalid, expired and errored are final.')
      .optional(),
    reason: z.string().describe('Why the order is in this state, in a sentence.').optional(),
    authorizations: atomicList(authorization).describe('One authorization per name.').optional(),
    certificate: bytes().describe('The certificate and its intermediates as PEM, leaf first.').optional(),
    failureTime: time().describe('When the order failed.').optional(),
  })
  .describe('How far the order is.')
export type OrderStatus = z.output<typeof orderStatus>

export const order = z
  .object({ ...typeFields, metadata: objectMetadata, spec: orderSpec, status: orderStatus.optional() })
  .describe('An order at an ACME CA (RFC 8555 7.1.3). Made by certloom for one CertificateRequest.')
export type Order = z.output<typeof order>
