import * as z from 'zod'
import { objectName, stringList } from './fields.ts'

/** An empty kind means Issuer, an empty group cert-manager.io: read so at run time, never written as a default. */
export const issuerReference = z.object({
  name: z.string().describe('Name of the issuer.'),
  kind: z
    .string()
    .describe('Issuer (same namespace), ClusterIssuer, or the kind of an external issuer. Empty: Issuer.')
    .optional(),
  group: z.string().describe('API group of the issuer. Empty: cert-manager.io.').optional(),
})

/** One key of a Secret. An Issuer looks in its own namespace, a ClusterIssuer in the cluster resource namespace. */
export const secretKeySelector = z.object({
  name: objectName().describe('Name of the Secret.'),
  key: z
    .string()
    .describe('Key in the data of the Secret; some uses know a key to take when it is empty.')
    .optional(),
})
export type SecretKeySelector = z.output<typeof secretKeySelector>

export function secretKey(purpose: string) {
  return secretKeySelector.describe(`Secret and key that hold ${purpose}.`)
}

/** A whole Secret. */
export const secretReference = z.object({ name: objectName().describe('Name of the Secret.') })
export type SecretReference = z.output<typeof secretReference>

export const serviceAccountReference = z.object({
  name: objectName().describe('Name of the ServiceAccount.'),
  audiences: stringList()
    .describe('Audiences to ask for in addition to the one that certloom always asks for.')
    .optional(),
})
export type ServiceAccountReference = z.output<typeof serviceAccountReference>
