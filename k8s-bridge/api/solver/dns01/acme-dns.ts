import * as z from 'zod'
import { secretKey } from '../../references.ts'

export const acmeDNS = z
  .object({
    host: z.string().describe('URL of the acme-dns server.'),
    accountSecretRef: secretKey('the accounts as JSON: an object from domain to account'),
  })
  .describe('A server of acme-dns. Its records cannot be removed, only overwritten.')
