import * as z from 'zod'

export const privateKey = z
  .object({
    algorithm: z.enum(['RSA', 'ECDSA', 'Ed25519']).describe('Algorithm of the key. Default: RSA.').optional(),
    size: z
      .int()
      .describe('Bits. RSA: 2048 (default) to 8192. ECDSA: 256 (default), 384 or 521. Not used for Ed25519.')
      .optional(),
    encoding: z
      .enum(['PKCS1', 'PKCS8'])
      .describe('Form of the PEM block. Default: PKCS1, which is SEC 1 for ECDSA; Ed25519 is always PKCS8.')
      .optional(),
    rotationPolicy: z
      .enum(['Never', 'Always'])
      .describe(
        'Always (default): every issuance makes a new key. Never: the key in the Secret is used again.',
      )
      .optional(),
  })
  .describe('How the private key is made.')

export const signatureAlgorithm = z
  .enum([
    'SHA256WithRSA',
    'SHA384WithRSA',
    'SHA512WithRSA',
    'ECDSAWithSHA256',
    'ECDSAWithSHA384',
    'ECDSAWithSHA512',
    'PureEd25519',
  ])
  .describe('Algorithm that signs the CSR, and the certificate if it signs itself. Must fit the private key.')
