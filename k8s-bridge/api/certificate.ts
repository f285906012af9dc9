import * as z from 'zod'
import { nameConstraints, otherNames, subject } from './certificate/names.ts'
import { additionalOutputFormats, keystores, secretTemplate } from './certificate/output.ts'
import { privateKey, signatureAlgorithm } from './certificate/private-key.ts'
import { renewal } from './certificate/renewal.ts'
import { certificateStatus } from './certificate/status.ts'
import { goDuration, int32, objectName, optionalInCrd, stringList } from './fields.ts'
import { objectMetadata, typeFields } from './metadata.ts'
import { issuerReference } from './references.ts'
import { usages } from './usages.ts'

export const certificateSpec = z
  .object({
    secretName: objectName().describe('Secret of the same namespace that gets tls.key, tls.crt and ca.crt.'),
    secretTemplate: secretTemplate.optional(),
    issuerRef: issuerReference.describe('The issuer that signs.'),

    commonName: z.string().describe('Common name (CN), at most 64 characters. Prefer dnsNames.').optional(),
    subject: subject.optional(),
    literalSubject: z
      .string()
      .describe('The whole subject as RFC 4514 text, in this order. Instead of subject and commonName.')
      .optional(),
    dnsNames: stringList().describe('DNS names, also wildcards such as "*.example.com".').optional(),
    ipAddresses: stringList().describe('IP addresses.').optional(),
    uris: stringList().describe('URIs, such as spiffe://example.com/workload.').optional(),
    emailAddresses: stringList().describe('Email addresses, without display name.').optional(),
    otherNames: otherNames.optional(),

    duration: goDuration()
      .describe('Lifetime to ask for, at least 1h. Default: 2160h (90 days). CAs may grant another one.')
      .optional(),
    renewBefore: goDuration()
      .describe('Renew this long before expiry, at least 5m. Default: a third of the lifetime.')
      .optional(),
    renewBeforePercentage: int32()
      .describe(
        'Renew when this share of the lifetime is left, in percent (1 to 99). Instead of renewBefore.',
      )
      .optional(),
    renewal: renewal.optional(),

    isCA: z.boolean().describe('Ask for a CA certificate. Default: false.').optional(),
    usages: usages.optional(),
    encodeUsagesInRequest: z
      .boolean()
      .describe('Whether the CSR carries the usages. Default: true.')
      .optional(),
    nameConstraints: nameConstraints.optional(),
    privateKey: privateKey.optional(),
    signatureAlgorithm: signatureAlgorithm.optional(),

    keystores: keystores.optional(),
    additionalOutputFormats: additionalOutputFormats.optional(),
    revisionHistoryLimit: int32()
      .describe('How many CertificateRequests to keep, at least 1. Default: 1.')
      .optional(),
  })
  .describe('What the certificate should be like. Needs at least one name.')
export type CertificateSpec = z.output<typeof certificateSpec>

export const certificate = z
  .object({
    ...typeFields,
    metadata: optionalInCrd(objectMetadata),
    spec: optionalInCrd(certificateSpec),
    status: certificateStatus.optional(),
  })
  .describe('A certificate to obtain, to keep in a Secret and to renew in time.')
export type Certificate = z.output<typeof certificate>
