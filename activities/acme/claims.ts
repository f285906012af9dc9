import type { Certificate } from '../../k8s-bridge/api/certificate.ts'
import { challenge as challengeSchema } from '../../k8s-bridge/api/challenge.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import type { ActivityDeps } from '../deps.ts'
import { labels } from '../objects.ts'
import { challengeNameLabel, readClaim, type RecordClaim } from './record.ts'

/** Records that may stand for a Certificate, by what its Challenges say. */
export async function claimsOf(deps: ActivityDeps, certificate: Pick<Certificate, 'metadata'>): Promise<RecordClaim[]> {
  const { namespace, uid = '' } = certificate.metadata
  const claims = await listClaims(deps, apiPath('Challenge', namespace), `${labels.certificate}=${uid}`)
  return claims.filter((claim) => claim.record.certificateUid === uid)
}

/** Records that may stand at a challenge name, of any Certificate in the cluster, the oldest first. */
export async function claimsAt(deps: ActivityDeps, fqdn: string): Promise<RecordClaim[]> {
  const claims = await listClaims(deps, apiPath('Challenge'), `${labels.challengeName}=${challengeNameLabel(fqdn)}`)
  return claims.filter((claim) => claim.record.fqdn === fqdn).sort((a, b) => (a.since < b.since ? -1 : 1))
}

async function listClaims(deps: ActivityDeps, path: string, labelSelector: string): Promise<RecordClaim[]> {
  const { items } = await deps.kubernetes.list<unknown>(path, { labelSelector })
  const key = await deps.recordKey()
  return items.flatMap((item) => {
    const parsed = challengeSchema.safeParse(item)
    const claim = parsed.success ? readClaim(parsed.data, key) : undefined
    return claim === undefined ? [] : [claim]
  })
}
