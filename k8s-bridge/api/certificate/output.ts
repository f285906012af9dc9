import * as z from 'zod'
import { atomicList, stringMap } from '../fields.ts'
import { secretKey } from '../references.ts'

export const secretTemplate = z
  .object({
    annotations: stringMap()
      .describe(
        'Annotations to set. None of cert-manager.io/… but cert-manager.io/allow-direct-injection is allowed.',
      )
      .optional(),
    labels: stringMap().describe('Labels to set.').optional(),
  })
  .describe('Labels and annotations that the Secret gets in addition. Changes need no new certificate.')

const create = z.boolean().describe('Whether to write this keystore.')
const password = z
  .string()
  .describe(
    'Password in plain text, readable by whoever reads the Certificate. Instead of passwordSecretRef.',
  )
  .optional()
const passwordSecretRef = secretKey('the password of the keystore').optional()

const jks = z
  .object({
    create,
    alias: z.string().describe('Alias of the entry. Default: certificate.').optional(),
    password,
    passwordSecretRef,
  })
  .describe('Java keystore under keystore.jks; truststore.jks beside it if the issuer names its CA.')

const pkcs12 = z
  .object({
    create,
    profile: z
      .enum(['LegacyRC2', 'LegacyDES', 'Modern2023', 'Modern2026'])
      .describe('Ciphers and digests. Default: LegacyRC2, which only old software needs.')
      .optional(),
    password,
    passwordSecretRef,
  })
  .describe('PKCS#12 keystore under keystore.p12; truststore.p12 beside it if the issuer names its CA.')

export const keystores = z
  .object({ jks: jks.optional(), pkcs12: pkcs12.optional() })
  .describe('Keystores to write into the Secret beside the PEM files.')

export const additionalOutputFormats = atomicList(
  z
    .object({
      type: z
        .enum(['DER', 'CombinedPEM'])
        .describe('DER: the key as key.der. CombinedPEM: key and chain as tls-combined.pem.'),
    })
    .describe('One further form; each type at most once.'),
).describe('Further forms of key and certificate to write into the Secret.')
