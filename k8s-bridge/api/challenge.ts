import * as z from 'zod'
import { acmeState } from './acme-state.ts'
import { time } from './fields.ts'
import { objectMetadata, typeFields } from './metadata.ts'
import { issuerReference } from './references.ts'
import { solver } from './solver/solver.ts'

export const challengeSpec = z
  .object({
    url: z.string().describe('URL of the challenge at the CA.'),
    authorizationURL: z.string().describe('URL of the authorization at the CA.'),
    dnsName: z.string().describe('Name to prove: a DNS name without "*.", or an IP address.'),
    wildcard: z
      .boolean()
      .describe('Whether the wildcard of the name was ordered. Default: false.')
      .optional(),
    type: z.enum(['HTTP-01', 'DNS-01']).describe('How control of the name is proven.'),
    token: z.string().describe('Token of the challenge. Public by protocol.'),
    key: z
      .string()
      .describe('What the CA must find: the key authorization for HTTP-01, the TXT value for DNS-01.'),
    solver: solver.describe('The solver that was chosen, as it stood in the issuer.'),
    issuerRef: issuerReference.describe('The ACME issuer.'),
  })
  .describe('What has to be proven, and how. Cannot be changed.')
export type ChallengeSpec = z.output<typeof challengeSpec>

export const challengeStatus = z
  .object({
    state: acmeState
      .describe('State of the challenge. Empty: not begun. valid, invalid, expired and errored are final.')
      .optional(),
    reason: z.string().describe('What is awaited or what went wrong, in a sentence.').optional(),
    processing: z.boolean().describe('Whether it is being worked on.').optional(),
    presented: z
      .boolean()
      .describe('Whether the record or the response stands, and needs clean-up.')
      .optional(),
    presentedAt: time().describe('When it was presented.').optional(),
  })
  .describe('How far the challenge is.')
export type ChallengeStatus = z.output<typeof challengeStatus>

export const challenge = z
  .object({
    ...typeFields,
    metadata: objectMetadata,
    spec: challengeSpec,
    status: challengeStatus.optional(),
  })
  .describe('The proof of control of one name (RFC 8555 8). Made by certloom for one Order.')
export type Challenge = z.output<typeof challenge>
