import * as z from 'zod'
import { atomicList, bytes } from '../fields.ts'
import { secretKey, secretKeySelector } from '../references.ts'
import { solver } from '../solver/solver.ts'

const externalAccountBinding = z
  .object({
    keyID: z.string().describe('Key identifier that the CA gave you.'),
    keySecretRef: secretKey('the MAC key, base64url without padding, as the CA gave it'),
    keyAlgorithm: z.enum(['HS256', 'HS384', 'HS512']).describe('Not used any more: always HS256.').optional(),
  })
  .describe('Ties the ACME account to an account that you have with the CA (RFC 8555 7.3.4).')

export const acmeIssuer = z
  .object({
    server: z
      .string()
      .describe("URL of the CA's directory, such as https://acme-v02.api.letsencrypt.org/directory."),
    privateKeySecretRef: secretKeySelector.describe(
      'Secret that holds the account key. Made if missing. Key: tls.key by default.',
    ),
    email: z.string().describe('Contact address of the account. Some CAs write to it.').optional(),
    externalAccountBinding: externalAccountBinding.optional(),
    disableAccountKeyGeneration: z
      .boolean()
      .describe('Never make an account key: wait until the Secret is there. Default: false.')
      .optional(),
    solvers: atomicList(solver)
      .describe('How to prove control of names. Per name, the solver with the closest selector is taken.')
      .optional(),
    preferredChain: z
      .string()
      .max(64)
      .describe('Common name of the root that the chain should lead to, if the CA offers several.')
      .optional(),
    profile: z
      .string()
      .describe('Profile of the CA to order, such as shortlived. Default: that of the CA.')
      .optional(),
    enableDurationFeature: z
      .boolean()
      .describe('Send the wanted lifetime with the order. Most CAs refuse it. Default: false.')
      .optional(),
    caBundle: bytes()
      .describe(
        "PEM certificates that the CA's TLS certificate is verified with. Default: those of the system.",
      )
      .optional(),
    skipTLSVerify: z
      .boolean()
      .describe(
        "Do not verify the CA's TLS certificate. For tests only; not together with caBundle. Default: false.",
      )
      .optional(),
  })
  .describe("Obtains certificates from an ACME CA (RFC 8555) such as Let's Encrypt.")
export type AcmeIssuer = z.output<typeof acmeIssuer>

export const acmeIssuerStatus = z
  .object({
    uri: z.string().describe('URL of the account at the CA.').optional(),
    lastRegisteredEmail: z.string().describe('Contact address that the CA was last told.').optional(),
    lastPrivateKeyHash: z.string().describe('Digest of the account key that was last registered.').optional(),
  })
  .describe('The ACME account.')
