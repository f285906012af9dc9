import { matchesKey, parseCertificate } from '../../activities/clients/x509.ts'
import { cmctlRenew } from '../certloom/cmctl.ts'
import { apply, type IssuerReference, type Site } from './site.ts'
import type { Arrival, Arrivals } from './arrivals.ts'

export type KeyKind = 'ECDSA P-256' | 'RSA-2048'

export interface Wish {
  readonly namespace: string
  readonly name: string
  readonly dnsNames: readonly string[]
  readonly issuer: IssuerReference
  /** ECDSA P-256 when not given. */
  readonly key?: KeyKind
}

/** Milliseconds from before the apply was sent. */
export interface Times {
  readonly secret: number
  readonly ready: number
}

export function requestCertificate(
  site: Site,
  { namespace, name, dnsNames, issuer, key }: Wish,
): Promise<void> {
  return apply(site, 'Certificate', {
    metadata: { namespace, name },
    spec: {
      secretName: `${name}-tls`,
      dnsNames,
      issuerRef: issuer,
      privateKey: key === 'RSA-2048' ? { algorithm: 'RSA', size: 2048 } : { algorithm: 'ECDSA', size: 256 },
    },
  })
}

/** Applies a Certificate and waits until its Secret holds a chain that fits, and until it is Ready. */
export async function issue(site: Site, arrivals: Arrivals, wish: Wish): Promise<Times> {
  const began = performance.now()
  await requestCertificate(site, wish)
  const { secretAt, readyAt } = await arrival(arrivals, wish)
  return { secret: secretAt - began, ready: readyAt - began }
}

/** Waits for a revision of a certificate and holds key and names of its Secret against what was wished. */
export async function arrival(arrivals: Arrivals, wish: Wish, revision = 1): Promise<Arrival> {
  const arrived = await arrivals.of(wish.namespace, wish.name, revision)
  check(wish, arrived)
  return arrived
}

/** Renews as `cmctl renew` does, and waits for the next revision. */
export async function renew(site: Site, arrivals: Arrivals, wish: Wish, revision: number): Promise<void> {
  await cmctlRenew(site.kubernetes, wish.namespace, wish.name)
  await arrival(arrivals, wish, revision)
}

function check({ namespace, name, dnsNames }: Wish, { chain, key }: Arrival): void {
  if (!matchesKey(chain, key))
    throw new Error(`${namespace}/${name}: the Secret's key is not that of its chain`)
  const got = [...parseCertificate(chain).dnsNames].sort().join()
  if (got !== [...dnsNames].sort().join())
    throw new Error(`${namespace}/${name}: the certificate is for ${got}, wanted are ${dnsNames.join()}`)
}
