import * as z from 'zod'

/** States of orders, authorizations and challenges (RFC 8555 section 7.1.6), and `errored`, which is ours to set. */
export const acmeState = z.enum(['valid', 'ready', 'pending', 'processing', 'invalid', 'expired', 'errored'])
export type AcmeState = z.output<typeof acmeState>
