import * as z from 'zod'
import { secretKey, serviceAccountReference } from '../../references.ts'

const auth = z
  .object({
    kubernetes: z
      .object({
        serviceAccountRef: serviceAccountReference.describe(
          'ServiceAccount whose token is exchanged for the role.',
        ),
      })
      .describe('Web identity of a ServiceAccount (IRSA).'),
  })
  .describe('Another way to credentials than access keys.')

export const route53 = z
  .object({
    hostedZoneID: z.string().describe('Id of the hosted zone. Default: found by its name.').optional(),
    region: z.string().describe('AWS region of STS. Default: that of the environment.').optional(),
    accessKeyID: z.string().describe('Access key id. Not together with accessKeyIDSecretRef.').optional(),
    accessKeyIDSecretRef: secretKey('the access key id').optional(),
    secretAccessKeySecretRef: secretKey('the secret access key').optional(),
    role: z.string().describe('ARN of the role to assume.').optional(),
    auth: auth.optional(),
  })
  .describe('Amazon Route 53. Without credentials the ambient ones are used, if the operator allows it.')
