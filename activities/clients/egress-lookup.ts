import { lookup as systemLookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { refusedAddress } from './addresses.ts'

export interface ResolvedAddress {
  address: string
  family: 4 | 6
}

/** Resolves a host name to all its addresses. */
export type HostLookup = (hostname: string) => Promise<ResolvedAddress[]>

/** A host that leads to an address which must not be reached. */
export class RefusedAddress extends Error {
  /** Host or address, the address it leads to, and why not: "localhost resolves to 127.0.0.1, a loopback address". */
  readonly finding: string

  constructor(hostname: string, address: string, reason: string) {
    const finding = `${hostname === address ? address : `${hostname} resolves to ${address}`}, ${reason}`
    super(finding)
    this.finding = finding
  }
}

export async function resolveWithSystem(hostname: string): Promise<ResolvedAddress[]> {
  const addresses = await systemLookup(hostname, { all: true, order: 'verbatim' })
  return addresses.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }))
}

/** An address written in the URL itself is never looked up, so it is checked here. */
export function checkLiteral(url: URL): void {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const reason = isIP(host) === 0 ? undefined : refusedAddress(host)
  if (reason !== undefined) throw new RefusedAddress(host, host, reason)
}

/**
 * The look-up of a connector: Node connects to exactly the addresses that come out. One refused address refuses the
 * host, for among several the choice would be the tenant's.
 */
export function connectLookup(lookup: HostLookup, checked: boolean): LookupFunction {
  return (hostname, { all }, callback) => {
    lookup(hostname).then(
      (addresses) => {
        const [first] = addresses
        if (first === undefined) return callback(noAddress(hostname), '')
        for (const { address } of checked ? addresses : []) {
          const reason = refusedAddress(address)
          if (reason !== undefined) return callback(new RefusedAddress(hostname, address, reason), '')
        }
        if (all === true) callback(null, addresses)
        else callback(null, first.address, first.family)
      },
      (error: Error) => callback(error, ''),
    )
  }
}

function noAddress(hostname: string): Error {
  return Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' })
}
