import { fqdn, query } from '../clients/dns/query.ts'
import { CertloomError } from '../failure.ts'
import type { DnsConfig } from './dns-config.ts'

/** cert-manager's `cnameStrategy`: where the challenge record is written. */
export type CnameStrategy = 'None' | 'Follow'

/** As far as the resolvers of CAs go; a longer chain would fail there. */
export const MAX_HOPS = 8

/**
 * The name at which the challenge record is written: the name itself, or the end of its CNAMEs.
 *
 * @throws CertloomError ZoneNotFound for a loop, a chain of more than 8, or when no resolver answers.
 */
export async function resolveChallengeName(
  name: string,
  strategy: CnameStrategy,
  config: DnsConfig,
  deps: { signal?: AbortSignal } = {},
): Promise<string> {
  if (strategy === 'None') return fqdn(name)
  let unanswered = ''
  for (const resolver of config.recursiveNameservers) {
    const result = await followAliases(fqdn(name), resolver, deps.signal)
    if (result.ok) return result.name
    unanswered ||= result.detail
  }
  throw new CertloomError('ZoneNotFound', `the CNAME of ${fqdn(name)} cannot be looked up: ${unanswered}`)
}

/** Hop by hop with CNAME questions, because a resolver that follows a loop by itself answers only SERVFAIL. */
export async function followAliases(
  name: string,
  resolver: string,
  signal?: AbortSignal,
): Promise<{ ok: true; name: string } | { ok: false; detail: string }> {
  const chain = [name]
  for (let end = name; ;) {
    const answer = await query({ server: resolver, name: end, type: 'CNAME', recursionDesired: true, signal })
    if (!answer.ok) return { ok: false, detail: `resolver ${resolver} ${answer.detail} for ${end}` }
    const alias = answer.answers.find((record) => record.type === 'CNAME' && record.name === end)
    if (alias === undefined) return { ok: true, name: end }
    end = nextHop(chain, alias.data)
  }
}

/** Adds a target to the chain, which is bounded and must not come back to itself. */
export function nextHop(chain: string[], target: string): string {
  const loops = chain.includes(target)
  chain.push(target)
  if (loops)
    throw new CertloomError('ZoneNotFound', `the CNAMEs of ${chain[0]} form a loop: ${chain.join(' → ')}`)
  if (chain.length > MAX_HOPS + 1) {
    throw new CertloomError(
      'ZoneNotFound',
      `${chain[0]} has more than ${MAX_HOPS} CNAMEs in a row, the last to ${target}`,
    )
  }
  return target
}
