import { inPool } from '../../check/pool.ts'
import { arrival, requestCertificate } from '../certificates.ts'
import type { Arrivals } from '../arrivals.ts'
import { newNamespace, type IssuerReference, type Site } from '../site.ts'

const APPLIES = 20

export interface Filling {
  readonly site: Site
  readonly arrivals: Arrivals
  readonly ca: readonly IssuerReference[]
}

/** Issues as many CA certificates, from all CA issuers, and waits for the last. Returns their namespace. @throws Error if one fails */
export async function fill({ site, arrivals, ca }: Filling, count: number): Promise<string> {
  const namespace = await newNamespace(site, 'fill')
  const wishes = Array.from({ length: count }, (_, index) => {
    const issuer = ca[index % ca.length]
    if (issuer === undefined) throw new Error('there is no CA issuer')
    const name = `c${index}`
    return { namespace, name, dnsNames: [`${name}.${namespace}.example.com`], issuer }
  })
  await inPool(wishes, APPLIES, (wish) => requestCertificate(site, wish))
  await Promise.all(wishes.map((wish) => arrival(arrivals, wish)))
  return namespace
}
