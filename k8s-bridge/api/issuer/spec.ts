import * as z from 'zod'
import { exactlyOneOf } from '../choice.ts'
import { conditions } from '../conditions.ts'
import { acmeIssuer, acmeIssuerStatus } from './acme.ts'
import { caIssuer } from './ca.ts'
import { selfSignedIssuer } from './self-signed.ts'
import { vaultIssuer } from './vault.ts'
import { venafiIssuer } from './venafi.ts'

const types = {
  acme: acmeIssuer.optional(),
  ca: caIssuer.optional(),
  selfSigned: selfSignedIssuer.optional(),
  vault: vaultIssuer.optional(),
  venafi: venafiIssuer.optional(),
}

/** The issuer types, exactly one of which stands in `spec`; `chosen(spec, issuerTypes)` finds it. */
export const issuerTypes = Object.keys(types) as (keyof typeof types)[]
export type IssuerType = keyof typeof types

export const issuerSpec = z
  .object(types)
  .check(exactlyOneOf(issuerTypes))
  .describe('Exactly one issuer type with its configuration.')
export type IssuerSpec = z.output<typeof issuerSpec>

export const issuerStatus = z
  .object({
    conditions: conditions.describe('Ready says whether the issuer can sign, and why not.').optional(),
    acme: acmeIssuerStatus.optional(),
  })
  .describe('Whether the issuer can be used. Written by the controller.')
export type IssuerStatus = z.output<typeof issuerStatus>
