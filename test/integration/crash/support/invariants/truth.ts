import { condition } from '../../../support/world.ts'
import type { Certificate } from '../../../../../k8s-bridge/api/certificate.ts'
import type { CellObservation, Observation, Version } from '../observation.ts'
import { chainOf, keyOf } from './secret.ts'

/** How long a status may go on saying Ready, in milliseconds. */
const LONGEST_MS = 60_000

/** I2: Ready is not shown for long where the Secret is missing, does not fit or has expired. */
export function truth(cell: CellObservation, { at: end }: Observation): string[] {
  const changes = [
    ...cell.secretVersions.map((version) => ({ at: version.at, secret: version })),
    ...cell.certificateVersions.map((version) => ({ at: version.at, certificate: version })),
    { at: end },
  ].sort((one, other) => one.at - other.at)
  let [secret, certificate]: (Version | undefined)[] = []
  let since: number | undefined
  for (const change of changes) {
    if (since !== undefined && change.at - since > LONGEST_MS)
      return [`I2: Ready was shown for ${Math.round((change.at - since) / 1000)} s without being true`]
    if ('secret' in change) secret = change.secret
    if ('certificate' in change) certificate = change.certificate
    const isWrong = saysReady(certificate) && !isTrue(secret, namesOf(certificate), change.at)
    since = isWrong ? (since ?? change.at) : undefined
  }
  return []
}

function saysReady(version: Version | undefined): boolean {
  if (version === undefined || version.type === 'DELETED') return false
  return condition(version.object as unknown as Certificate, 'Ready')?.status === 'True'
}

function namesOf(version: Version | undefined): string {
  const { dnsNames = [] } = (version?.object['spec'] ?? {}) as { dnsNames?: string[] }
  return [...dnsNames].sort().join()
}

function isTrue(version: Version | undefined, names: string, at: number): boolean {
  if (version === undefined || version.type === 'DELETED') return false
  const data = version.object.data ?? {}
  const [leaf] = chainOf(data)
  const key = keyOf(data)
  if (leaf === undefined || key === undefined || !leaf.checkPrivateKey(key)) return false
  const held = (leaf.subjectAltName ?? '').split(', ').map((name) => name.replace(/^DNS:/, ''))
  return held.sort().join() === names && Date.parse(leaf.validTo) >= at
}
