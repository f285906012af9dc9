import * as z from 'zod'
import { exactlyOneOf } from '../choice.ts'
import { bytes } from '../fields.ts'
import { secretKey, secretReference } from '../references.ts'

const tpp = z
  .object({
    url: z.string().describe('URL of the API, such as https://tpp.example.com/vedsdk.'),
    credentialsRef: secretReference.describe('Secret with access-token, or with username and password.'),
    caBundle: bytes()
      .describe(
        "PEM certificates that the server's TLS certificate is verified with. Default: those of the system.",
      )
      .optional(),
    caBundleSecretRef: secretKey('the PEM certificates, ca.crt by default. Instead of caBundle').optional(),
  })
  .describe('CyberArk Certificate Manager, Self-Hosted (formerly Venafi Trust Protection Platform).')

const cloud = z
  .object({
    url: z.string().describe('URL of the API. Default: https://api.venafi.cloud.').optional(),
    apiTokenSecretRef: secretKey('the API key'),
  })
  .describe('CyberArk Certificate Manager, SaaS (formerly Venafi Cloud).')

const ngts = z
  .object({
    tsgID: z.string().describe('Identifier of the tenant service group.'),
    credentialsRef: secretReference.describe('Secret with the credentials of the service account.'),
    url: z.string().describe('URL of the API. Default: that of the vendor.').optional(),
    tokenEndpoint: z
      .string()
      .describe('URL that gives out access tokens. Default: that of the vendor.')
      .optional(),
  })
  .describe('Next-Generation Trust Security.')

const platforms = { tpp: tpp.optional(), cloud: cloud.optional(), ngts: ngts.optional() }
export const venafiPlatforms = Object.keys(platforms) as (keyof typeof platforms)[]

export const venafiIssuer = z
  .object({ zone: z.string().describe('Zone or policy folder that decides about requests.'), ...platforms })
  .check(exactlyOneOf(venafiPlatforms))
  .meta({
    'x-kubernetes-validations': [
      {
        rule: '(has(self.tpp) ? 1 : 0) + (has(self.cloud) ? 1 : 0) + (has(self.ngts) ? 1 : 0) == 1',
        message: `must have exactly one of ${venafiPlatforms.join(', ')}`,
      },
    ],
  })
  .describe('Has certificates signed by a CyberArk (Venafi) platform: exactly one of tpp, cloud and ngts.')
export type VenafiIssuer = z.output<typeof venafiIssuer>
