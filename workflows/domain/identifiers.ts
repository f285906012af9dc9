import type { Failure } from './failures.ts'
import { canonicalIp } from './ip-address.ts'
import type { NameFacts } from './x509-facts.ts'

/** What an ACME order asks for: RFC 8555 7.1.3, for addresses RFC 8738. */
export interface Identifier {
  type: 'dns' | 'ip'
  /** A DNS name in lower case, perhaps with `*.` before it, or an address in canonical text. */
  value: string
}

export type RequestedNames = Omit<NameFacts, 'subject' | 'subjectDer'>

/** The identifiers of a request in its order, DNS names first, each once; or why no ACME CA can be asked for it. */
export function orderIdentifiers(
  request: RequestedNames,
): { identifiers: Identifier[] } | { failure: Failure } {
  const identifiers = identifiersOf(request)
  const problem = foreignNames(request) ?? commonNameMissing(request, identifiers)
  if (problem !== undefined) return { failure: { code: 'NameNotOrderable', message: problem } }
  if (identifiers.length === 0) {
    const message = 'The request has neither a DNS name nor an IP address'
    return { failure: { code: 'NameNotOrderable', message } }
  }
  return { identifiers }
}

function identifiersOf({ dnsNames, ipAddresses }: RequestedNames): Identifier[] {
  const all = [
    ...dnsNames.map((name): Identifier => ({ type: 'dns', value: name.toLowerCase() })),
    ...ipAddresses.map((text): Identifier => ({ type: 'ip', value: canonicalIp(text) ?? text })),
  ]
  const seen = new Set<string>()
  return all.filter(({ type, value }) => {
    const key = `${type}:${value}`
    return !seen.has(key) && seen.add(key)
  })
}

function foreignNames({ uris, emailAddresses, otherNames }: RequestedNames): string | undefined {
  const kinds = [
    ['URI', uris[0]],
    ['email address', emailAddresses[0]],
    ['other name', otherNames[0]?.oid],
  ] as const
  const [kind, value] = kinds.find(([, first]) => first !== undefined) ?? []
  if (kind === undefined) return undefined
  return `The request has the ${kind} "${value}", but an ACME CA issues for DNS names and IP addresses only`
}

function commonNameMissing({ commonName }: RequestedNames, identifiers: Identifier[]): string | undefined {
  const wanted = [commonName.toLowerCase(), canonicalIp(commonName)]
  if (commonName === '' || identifiers.some(({ value }) => wanted.includes(value))) return undefined
  return `The common name "${commonName}" is neither among the DNS names nor among the IP addresses of the request`
}
