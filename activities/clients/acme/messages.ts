import { z } from 'zod'
import { tokenPattern } from './challenge.ts'
import { problemDocument } from './problems.ts'
import type { Polled } from './transport.ts'

// Unknown fields are dropped, not refused: RFC 8555 7.1 lets servers add their own.

const identifier = z.object({ type: z.string(), value: z.string() })
const time = z.string().refine((value) => !Number.isNaN(Date.parse(value)), 'not an RFC 3339 time')
const url = z.string().min(1).max(4096)
const text = z.string().optional()

/** RFC 8555 7.1.1, with `profiles` of the profiles extension and `renewalInfo` of RFC 9773. */
export const directoryMessage = z.object({
  newNonce: url,
  newAccount: url,
  newOrder: url,
  newAuthz: url.optional(),
  revokeCert: url.optional(),
  keyChange: url.optional(),
  renewalInfo: url.optional(),
  meta: z
    .object({
      termsOfService: text,
      website: text,
      caaIdentities: z.array(z.string()).optional(),
      externalAccountRequired: z.boolean().optional(),
      profiles: z.record(z.string(), z.string()).optional(),
    })
    .default({}),
})
export type Directory = z.infer<typeof directoryMessage>

/** RFC 8555 7.1.2. */
export const accountMessage = z.object({
  status: z.enum(['valid', 'deactivated', 'revoked']),
  contact: z.array(z.string()).optional(),
  termsOfServiceAgreed: z.boolean().optional(),
})

/** RFC 8555 7.1.3. */
export const orderMessage = z.object({
  status: z.enum(['pending', 'ready', 'processing', 'valid', 'invalid']),
  expires: time.optional(),
  identifiers: z.array(identifier).max(1000),
  notBefore: time.optional(),
  notAfter: time.optional(),
  profile: text,
  replaces: text,
  error: problemDocument.optional(),
  authorizations: z.array(url).max(1000),
  finalize: url,
  certificate: url.optional(),
})

const tokenTypes = new Set(['http-01', 'dns-01', 'tls-alpn-01'])

/** RFC 8555 7.1.5 and 8. The token ends up in paths and DNS records: outside base64url it is refused. */
export const challengeMessage = z
  .object({
    type: z.string(),
    url,
    status: z.enum(['pending', 'processing', 'valid', 'invalid']),
    validated: time.optional(),
    error: problemDocument.optional(),
    token: text,
  })
  .refine(({ type, token }) => !tokenTypes.has(type) || tokenPattern.test(token ?? ''), {
    path: ['token'],
    message: 'not a base64url token (RFC 8555 8)',
  })

/** RFC 8555 7.1.4. */
export const authorizationMessage = z.object({
  identifier,
  status: z.enum(['pending', 'valid', 'invalid', 'deactivated', 'expired', 'revoked']),
  expires: time.optional(),
  wildcard: z.boolean().default(false),
  challenges: z.array(challengeMessage).max(50),
})

/** RFC 9773 4.2. */
export const renewalInfoMessage = z.object({
  suggestedWindow: z.object({ start: time, end: time }),
  explanationURL: text,
})

export type Account = z.infer<typeof accountMessage>
export type Order = z.infer<typeof orderMessage> & Polled & { url: string }
/** An order as finalize answers it; its own URL is known to whoever created it. */
export type FinalizedOrder = Omit<Order, 'url'>
export type Challenge = z.infer<typeof challengeMessage> & Polled
export type Authorization = z.infer<typeof authorizationMessage> & Polled & { url: string }
export type RenewalInfo = z.infer<typeof renewalInfoMessage> & Polled
