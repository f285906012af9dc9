import type { Certificate } from '../../k8s-bridge/api/certificate.ts'
import type { KnownFacts } from '../../workflows/messages.ts'
import { annotations } from '../objects.ts'

/** What the bridge compares to find out whether a Certificate has news for its workflow. */
export function knownFacts(certificate: Certificate, secretVersion: string): KnownFacts {
  const issuing = certificate.status?.conditions?.find((condition) => condition.type === 'Issuing')
  return {
    uid: certificate.metadata.uid ?? '',
    generation: certificate.metadata.generation ?? 0,
    issuing: issuing?.status === 'True' ? `${issuing.reason ?? ''}@${issuing.lastTransitionTime ?? ''}` : '',
    secretVersion,
    ...(certificate.metadata.annotations?.[annotations.paused] === 'true' && { paused: true }),
  }
}
