import * as z from 'zod'
import { exactlyOneOf } from '../choice.ts'
import { acmeDNS } from './dns01/acme-dns.ts'
import { akamai } from './dns01/akamai.ts'
import { azureDNS } from './dns01/azure-dns.ts'
import { cloudDNS } from './dns01/cloud-dns.ts'
import { cloudflare } from './dns01/cloudflare.ts'
import { digitalocean } from './dns01/digitalocean.ts'
import { rfc2136 } from './dns01/rfc2136.ts'
import { route53 } from './dns01/route53.ts'
import { webhook } from './dns01/webhook.ts'

const providers = {
  acmeDNS: acmeDNS.optional(),
  akamai: akamai.optional(),
  azureDNS: azureDNS.optional(),
  cloudDNS: cloudDNS.optional(),
  cloudflare: cloudflare.optional(),
  digitalocean: digitalocean.optional(),
  rfc2136: rfc2136.optional(),
  route53: route53.optional(),
  webhook: webhook.optional(),
}

/** The providers, exactly one of which stands in `dns01`; `chosen(dns01, dns01Providers)` finds it. */
export const dns01Providers = Object.keys(providers) as (keyof typeof providers)[]
export type Dns01Provider = keyof typeof providers

export const dns01 = z
  .object({
    cnameStrategy: z
      .enum(['None', 'Follow'])
      .describe('Follow: write the record where a CNAME of the challenge name leads. Default: None.')
      .optional(),
    ...providers,
  })
  .check(exactlyOneOf(dns01Providers))
  .describe('Proves control by a TXT record (RFC 8555 8.4), written by exactly one provider.')
export type Dns01 = z.output<typeof dns01>
