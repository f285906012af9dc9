import { isIP } from 'node:net'
import { z } from 'zod'
import { modes } from './fixture.ts'
import { fqdn } from './store.ts'

// What the control API takes.

export const name = z
  .string()
  .regex(/^[^.\s]{1,63}(\.[^.\s]{1,63})*\.?$/, 'must be a domain name')
  .max(254)
  .transform(fqdn)
export const txt = z.strictObject({ host: name, value: z.string().min(1).max(60_000) })
const ttl = z.int().min(0).max(86_400).default(1)
export const ip = (version: 4 | 6) =>
  z.string().refine((text) => isIP(text) === version, `must be an IPv${version} address`)
const caa = z.object({
  flags: z.int().min(0).max(255).default(0),
  tag: z.enum(['issue', 'issuewild', 'iodef']),
  value: z.string(),
})
export const record = z.discriminatedUnion('type', [
  z.object({ zone: name.optional(), name, ttl, type: z.literal('A'), data: ip(4) }),
  z.object({ zone: name.optional(), name, ttl, type: z.literal('AAAA'), data: ip(6) }),
  z.object({ zone: name.optional(), name, ttl, type: z.enum(['CNAME', 'NS']), data: name }),
  z.object({ zone: name.optional(), name, ttl, type: z.literal('CAA'), data: caa }),
])
export const removal = z.object({
  zone: name.optional(),
  name,
  type: z.enum(['A', 'AAAA', 'CNAME', 'NS', 'CAA', 'TXT']),
  data: z.union([z.string(), caa]).optional(),
})
export const setting = z.strictObject({
  lagMs: z.int().min(0).max(3_600_000).optional(),
  mode: z.enum(modes).optional(),
})
