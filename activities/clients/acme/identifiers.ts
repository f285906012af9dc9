import { isIP, SocketAddress } from 'node:net'
import { CertloomError } from '../../failure.ts'

/** RFC 8555 9.7.7 and RFC 8738: an A-label name (a wildcard with `*.`), or an IP address. */
export interface Identifier {
  type: 'dns' | 'ip'
  value: string
}

/** The identifiers as the order carries them: lower case, IPv6 as in RFC 5952, each once. */
export function orderIdentifiers(identifiers: readonly Identifier[]): Identifier[] {
  if (identifiers.length === 0) throw new CertloomError('NoNames', 'ACME order: identifiers: none given')
  const unique = new Map<string, Identifier>()
  for (const identifier of identifiers) {
    const canonical = canonicalIdentifier(identifier)
    unique.set(`${canonical.type}:${canonical.value}`, canonical)
  }
  return [...unique.values()]
}

function canonicalIdentifier({ type, value }: Identifier): Identifier {
  if (type === 'dns') {
    const name = value.toLowerCase()
    if (name === '' || isIP(name) !== 0 || /[^\x21-\x7e]/.test(name)) throw notOrderable(type, value)
    return { type, value: name }
  }
  const version = isIP(value)
  // A zone (fe80::1%eth0) is an address of one machine; no certificate can hold it.
  if (version === 0 || value.includes('%')) throw notOrderable(type, value)
  if (version === 4) return { type, value }
  return { type, value: new SocketAddress({ address: value, family: 'ipv6' }).address }
}

function notOrderable(type: string, value: string): CertloomError {
  return new CertloomError(
    'NameNotOrderable',
    `ACME order: identifiers: ${value} is not a usable ${type} identifier`,
  )
}
