import { getServers } from 'node:dns'
import { parseServer } from '../clients/dns/server-address.ts'

/** How the workers see DNS: operator configuration, never an Issuer's. */
export interface DnsConfig {
  /** Resolvers as `ip:port`, asked in this order until one answers; by default those of /etc/resolv.conf. */
  readonly recursiveNameservers: readonly string[]
  /** Check propagation at the resolvers instead of the authoritative servers (egress to port 53 is closed). */
  readonly recursiveOnly: boolean
  /** Port of authoritative servers: 53 everywhere but in front of local servers. */
  readonly authoritativePort: number
  /** Let a zone's name servers have loopback, link-local and similar addresses (local servers do). */
  readonly allowPrivateNameservers: boolean
}

/**
 * Fills in the defaults.
 *
 * @throws RangeError that names the field.
 */
export function dnsConfig(given: Partial<DnsConfig> = {}): DnsConfig {
  const recursiveNameservers = given.recursiveNameservers ?? getServers()
  if (recursiveNameservers.length === 0)
    throw new RangeError('recursiveNameservers: name at least one resolver')
  for (const server of recursiveNameservers) {
    try {
      parseServer(server)
    } catch (error) {
      throw new RangeError(`recursiveNameservers: ${(error as Error).message}`, { cause: error })
    }
  }
  const authoritativePort = given.authoritativePort ?? 53
  if (!Number.isInteger(authoritativePort) || authoritativePort < 1 || authoritativePort > 65535) {
    throw new RangeError(`authoritativePort: ${authoritativePort} is not a port (1 to 65535)`)
  }
  return {
    recursiveNameservers,
    recursiveOnly: given.recursiveOnly ?? false,
    authoritativePort,
    allowPrivateNameservers: given.allowPrivateNameservers ?? false,
  }
}
