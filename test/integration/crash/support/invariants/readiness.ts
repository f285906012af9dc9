import { X509Certificate } from 'node:crypto'
import { condition } from '../../../support/world.ts'
import type { CellObservation, Observation } from '../observation.ts'
import { chainOf, keyOf } from './secret.ts'

/** I1 and I5: Ready in the end, with a Secret that is what the spec asks for. A deleted Certificate is gone. */
export function readiness(cell: CellObservation, { killer, roots }: Observation): string[] {
  const { certificate, secret } = cell
  // Nothing else can be judged then.
  if (!cell.isQuiet) return ['I5: a step of its workflow is still under way']
  if (killer === 'deleted') return certificate === undefined ? [] : ['I5: the Certificate is still there']
  if (certificate === undefined) return ['I5: the Certificate is gone']
  const ready = condition(certificate, 'Ready')
  if (ready?.status !== 'True' || condition(certificate, 'Issuing') !== undefined)
    return [`I5: not Ready: ${JSON.stringify(certificate.status?.conditions ?? [])}`]
  if (secret === undefined) return ['I1: Ready without a Secret']
  const isOwnRoot = cell.cell.path === 'selfSigned'
  return secretTroubles(secret.data ?? {}, cell.names, roots, isOwnRoot).map((trouble) => `I1: ${trouble}`)
}

function secretTroubles(
  data: Record<string, string>,
  names: string[],
  roots: string[],
  isOwnRoot: boolean,
): string[] {
  const chain = chainOf(data)
  const [leaf] = chain
  const key = keyOf(data)
  if (leaf === undefined || key === undefined) return ['the Secret has no certificate or no key']
  const troubles: string[] = []
  if (!leaf.checkPrivateKey(key)) troubles.push('the key does not fit the certificate')
  const held = (leaf.subjectAltName ?? '')
    .split(', ')
    .map((name) => name.replace(/^DNS:/, ''))
    .sort()
  if (held.join() !== [...names].sort().join())
    troubles.push(`its names are ${held.join()}, not ${names.join()}`)
  const now = Date.now()
  if (Date.parse(leaf.validFrom) > now || Date.parse(leaf.validTo) < now) troubles.push('it is not valid now')
  const trusted = [...roots.map((pem) => new X509Certificate(pem)), ...(isOwnRoot ? [leaf] : [])]
  if (!leadsToRoot(chain, trusted)) troubles.push('its chain leads to no root')
  return troubles
}

/** Each certificate is signed by the next one, and the last one by a root. */
function leadsToRoot(chain: X509Certificate[], roots: X509Certificate[]): boolean {
  const linked = chain.slice(1).every((issuer, index) => chain[index]?.verify(issuer.publicKey) === true)
  const last = chain.at(-1)
  if (!linked || last === undefined) return false
  return roots.some((root) => last.verify(root.publicKey))
}
