import * as z from 'zod'
import { secretKey } from '../../references.ts'

export const cloudflare = z
  .object({
    apiTokenSecretRef: secretKey('an API token that may edit the zone').optional(),
    apiKeySecretRef: secretKey('the global API key, used with email; prefer apiTokenSecretRef').optional(),
    email: z.string().describe('Address of the account. Needed with apiKeySecretRef.').optional(),
  })
  .describe('Cloudflare: an API token, or the global API key with email.')
