import * as z from 'zod'
import { conditions } from '../conditions.ts'
import { time } from '../fields.ts'

const renewalInfo = z
  .object({
    suggestedWindow: z
      .object({
        start: time().describe('When the window opens.'),
        end: time().describe('When the window closes.'),
      })
      .describe('The time in which the CA asks for the renewal.')
      .optional(),
    explanationURL: z.string().describe('Page on which the CA says why it suggests this window.').optional(),
    lastChecked: time().describe('When the CA was last asked.').optional(),
    nextCheck: time().describe('When the CA will be asked again.').optional(),
    lastError: z.string().describe('Why the last question failed; empty after a success.').optional(),
  })
  .describe('ACME renewal information (RFC 9773).')

export const certificateStatus = z
  .object({
    conditions: conditions
      .describe(
        'Ready, Issuing and Stalled, and those of other controllers. No Issuing: nothing is being issued.',
      )
      .optional(),
    revision: z.int().describe('Number of the last successful issuance; the first is 1.').optional(),
    notBefore: time().describe('Start of validity of the certificate in the Secret.').optional(),
    notAfter: time().describe('End of validity of the certificate in the Secret.').optional(),
    renewalTime: time().describe('When the next renewal is due. Empty if renewal is disabled.').optional(),
    nextPrivateKeySecretName: z
      .string()
      .describe('Temporary Secret with the key of the issuance under way.')
      .optional(),
    lastFailureTime: time().describe('When issuance last failed. Cleared by a success.').optional(),
    failedIssuanceAttempts: z
      .int()
      .describe('Failed attempts in a row; each doubles the wait, from 1 h to 32 h. Cleared by a success.')
      .optional(),
    acme: z
      .object({ ari: renewalInfo.optional() })
      .describe('What is known only of certificates from ACME CAs.')
      .optional(),
  })
  .describe('What certloom found and did. Written by the controller.')
export type CertificateStatus = z.output<typeof certificateStatus>
