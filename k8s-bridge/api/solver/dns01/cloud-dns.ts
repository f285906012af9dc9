import * as z from 'zod'
import { secretKey } from '../../references.ts'

export const cloudDNS = z
  .object({
    project: z.string().describe('Project that holds the zone.'),
    hostedZoneName: z
      .string()
      .describe('Name of the managed zone. Default: found by its DNS name.')
      .optional(),
    serviceAccountSecretRef: secretKey(
      'the JSON key of a service account; without it the ambient identity is used',
    ).optional(),
  })
  .describe('Google Cloud DNS.')
