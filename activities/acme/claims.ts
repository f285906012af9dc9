import type { Certificate } from '../../k8s-bridge/api/certificate.ts'
import { challenge as challengeSchema } from '../../k8s-bridge/api/challenge.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import type { ActivityDeps } from '../deps.ts'
import { labels } from '../objects.ts'
import { revokeGrant } from './hold.ts'
import { LOCK_ANNOTATION, challengeNameLabel, readClaim, type RecordClaim } from './record.ts'

/** Records that may stand for a Certificate, by what its Challenges say. */
export async function claimsOf(
  deps: ActivityDeps,
  certificate: Pick<Certificate, 'metadata'>,
): Promise<RecordClaim[]> {
  const { namespace, uid = '' } = certificate.metadata
  const claims = await listClaims(deps, apiPath('Challenge', namespace), `${labels.certificate}=${uid}`)
  return claims.filter((claim) => claim.record.certificateUid === uid)
}

/**
 * Records that may stand at a challenge name, of any Certificate in the cluster, the oldest first. What an earlier lock
 * of the name may have granted to one that has not claimed it yet is made void, except for the Challenge with the uid
 * `except`: that one asks the lock `lock` itself.
 */
export async function claimsAt(
  deps: ActivityDeps,
  fqdn: string,
  lock: string,
  except?: string,
): Promise<RecordClaim[]> {
  for (;;) {
    const found = await list(
      deps,
      apiPath('Challenge'),
      `${labels.challengeName}=${challengeNameLabel(fqdn)}`,
    )
    const open = found.filter(
      ({ challenge, claim }) => claim === undefined && challenge.metadata.uid !== except,
    )
    const fresh = open.filter(({ challenge }) => challenge.metadata.annotations?.[LOCK_ANNOTATION] !== lock)
    const revoked = await Promise.all(fresh.map(({ challenge }) => revokeGrant(deps, challenge, lock)))
    // One that changed at that moment may bear a claim by now.
    if (revoked.every(Boolean)) {
      const claims = found.flatMap(({ claim }) => claim ?? [])
      return claims.filter((claim) => claim.record.fqdn === fqdn).sort((a, b) => (a.since < b.since ? -1 : 1))
    }
  }
}

async function listClaims(deps: ActivityDeps, path: string, labelSelector: string): Promise<RecordClaim[]> {
  return (await list(deps, path, labelSelector)).flatMap(({ claim }) => claim ?? [])
}

async function list(deps: ActivityDeps, path: string, labelSelector: string) {
  const { items } = await deps.kubernetes.list<unknown>(path, { labelSelector })
  const key = await deps.recordKey()
  return items.flatMap((item) => {
    const parsed = challengeSchema.safeParse(item)
    return parsed.success ? [{ challenge: parsed.data, claim: readClaim(parsed.data, key) }] : []
  })
}
