import { inPool } from '../../check/pool.ts'
import { arrival, requestCertificate } from '../certificates.ts'
import type { Rig } from '../rig.ts'
import { newNamespace } from '../site.ts'

const APPLIES = 20

/** Issues as many CA certificates, from all CA issuers, and waits for the last. @throws Error if one fails */
export async function fill(
  { site, arrivals, ca }: Pick<Rig, 'site' | 'arrivals' | 'ca'>,
  count: number,
): Promise<void> {
  const namespace = await newNamespace(site, 'fill')
  const wishes = Array.from({ length: count }, (_, index) => {
    const issuer = ca[index % ca.length]
    if (issuer === undefined) throw new Error('there is no CA issuer')
    const name = `c${index}`
    return { namespace, name, dnsNames: [`${name}.${namespace}.example.com`], issuer }
  })
  await inPool(wishes, APPLIES, (wish) => requestCertificate(site, wish))
  await Promise.all(wishes.map((wish) => arrival(arrivals, wish)))
}
