import * as z from 'zod'
import { atomicList, stringList } from '../fields.ts'

export const subject = z
  .object({
    organizations: stringList().describe('Organizations (O).').optional(),
    organizationalUnits: stringList().describe('Organizational units (OU).').optional(),
    countries: stringList().describe('Countries (C), two letters each.').optional(),
    provinces: stringList().describe('States or provinces (ST).').optional(),
    localities: stringList().describe('Cities (L).').optional(),
    streetAddresses: stringList().describe('Street addresses (STREET).').optional(),
    postalCodes: stringList().describe('Postal codes.').optional(),
    serialNumber: z.string().describe('Serial number of the subject, not of the certificate.').optional(),
  })
  .describe('Attributes of the subject besides the common name. Public ACME CAs leave them out.')

export const otherNames = atomicList(
  z
    .object({
      oid: z
        .string()
        .describe('Object identifier of the name type, dotted: 1.3.6.1.4.1.311.20.2.3 is a UPN.')
        .optional(),
      utf8Value: z.string().describe('The name, encoded as a UTF8String.').optional(),
    })
    .describe('One name; both fields are needed.'),
).describe('Subject alternative names of type otherName.')

function subtrees(effect: string) {
  return z
    .object({
      dnsDomains: stringList()
        .describe(`DNS domains that are ${effect}, with everything below them.`)
        .optional(),
      ipRanges: stringList().describe(`Address ranges in CIDR form that are ${effect}.`).optional(),
      emailAddresses: stringList().describe(`Email addresses or domains that are ${effect}.`).optional(),
      uriDomains: stringList().describe(`Host names in URIs that are ${effect}.`).optional(),
    })
    .describe(`Names that are ${effect} below this CA.`)
}

export const nameConstraints = z
  .object({
    critical: z
      .boolean()
      .describe('Whether the extension is critical: clients that do not know it then refuse the chain.')
      .optional(),
    permitted: subtrees('permitted').optional(),
    excluded: subtrees('excluded').optional(),
  })
  .describe(
    'Limits on names that this CA may certify (RFC 5280 4.2.1.10). Needs isCA and at least one of both lists.',
  )
