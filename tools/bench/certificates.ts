import type { Certificate } from '../../k8s-bridge/api/certificate.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import { matchesKey, parseCertificate } from '../../activities/clients/x509.ts'
import { apply, type IssuerReference, type Site } from './site.ts'
import type { Arrivals } from './arrivals.ts'

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
  const { secretAt, readyAt, chain, key } = await arrivals.of(wish.namespace, wish.name, 1)
  check(wish, chain, key)
  return { secret: secretAt - began, ready: readyAt - began }
}

/** Sets Issuing=True as `cmctl renew` does, and waits for the next revision. */
export async function renew(site: Site, arrivals: Arrivals, wish: Wish, revision: number): Promise<Times> {
  const { namespace, name } = wish
  const found = await site.kubernetes.get<Certificate>(apiPath('Certificate', namespace, name))
  if (found === undefined) throw new Error(`Certificate ${namespace}/${name} is gone`)
  const condition = {
    type: 'Issuing',
    status: 'True',
    reason: 'ManuallyTriggered',
    message: 'Certificate re-issuance manually triggered',
    lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    observedGeneration: found.metadata.generation,
  }
  const status = { ...found.status, conditions: [...(found.status?.conditions ?? []), condition] }
  const began = performance.now()
  await site.kubernetes.replace(apiPath('Certificate', namespace, name, 'status'), { ...found, status })
  const { secretAt, readyAt, chain, key } = await arrivals.of(namespace, name, revision)
  check(wish, chain, key)
  return { secret: secretAt - began, ready: readyAt - began }
}

function check({ namespace, name, dnsNames }: Wish, chain: string, key: string): void {
  if (!matchesKey(chain, key))
    throw new Error(`${namespace}/${name}: the Secret's key is not that of its chain`)
  const got = [...parseCertificate(chain).dnsNames].sort().join()
  if (got !== [...dnsNames].sort().join())
    throw new Error(`${namespace}/${name}: the certificate is for ${got}, wanted are ${dnsNames.join()}`)
}
