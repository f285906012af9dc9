import ipaddr from 'ipaddr.js'

/** Where clouds serve credentials to whoever asks; not all of them are link-local. */
const metadata = new Set([
  '169.254.169.254', // AWS, Google Cloud, Azure, OpenStack
  'fd00:ec2::254', // AWS over IPv6
  'fd20:ce::254', // Google Cloud over IPv6
  '100.100.100.200', // Alibaba Cloud
  '168.63.129.16', // Azure's WireServer
  '192.0.0.192', // Oracle Cloud
])

// Private ranges (RFC 1918, ULA, CGNAT) are absent: in-cluster CAs and internal name servers live there.
const refusedRanges: Partial<Record<string, string>> = {
  unspecified: 'an unspecified address',
  broadcast: 'a broadcast address',
  multicast: 'a multicast address',
  linkLocal: 'a link-local address',
  deprecatedSiteLocal: 'a deprecated site-local address',
  loopback: 'a loopback address',
  reserved: 'a reserved address',
  discard: 'a discard address',
}

/**
 * What forbids that a tenant's setting leads us to this address, as "a loopback address"; undefined when nothing does.
 * IPv4 addresses inside IPv6 ones (mapped, NAT64, 6to4) are judged as what they lead to.
 */
export function refusedAddress(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return 'not an IP address'
  const parsed = ipaddr.parse(address)
  if (metadata.has(parsed.toString())) return 'a cloud metadata address'
  const inner = parsed instanceof ipaddr.IPv6 ? embedded(parsed) : undefined
  return refusedRanges[parsed.range()] ?? (inner === undefined ? undefined : refusedAddress(inner))
}

function embedded(address: ipaddr.IPv6): string | undefined {
  const bytes = address.toByteArray()
  switch (address.range()) {
    case 'ipv4Mapped':
    case 'rfc6145':
    case 'rfc6052':
      return bytes.slice(12).join('.')
    case '6to4':
      return bytes.slice(2, 6).join('.')
    default:
      // The deprecated IPv4-compatible form ::a.b.c.d (RFC 4291 section 2.5.5.1).
      return bytes.slice(0, 12).every((byte) => byte === 0) ? bytes.slice(12).join('.') : undefined
  }
}
