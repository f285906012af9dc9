import * as z from 'zod'
import { atomicList } from './fields.ts'

/** Key usages and extended key usages (RFC 5280 sections 4.2.1.3 and 4.2.1.12) under the API's names. */
export const keyUsage = z.enum([
  'signing',
  'digital signature',
  'content commitment',
  'key encipherment',
  'key agreement',
  'data encipherment',
  'cert sign',
  'crl sign',
  'encipher only',
  'decipher only',
  'any',
  'server auth',
  'client auth',
  'code signing',
  'email protection',
  's/mime',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'timestamping',
  'ocsp signing',
  'microsoft sgc',
  'netscape sgc',
])
export type KeyUsage = z.output<typeof keyUsage>

export const usages = atomicList(keyUsage).describe(
  'Key usages and extended key usages to ask for. Empty: "digital signature" and "key encipherment".',
)
