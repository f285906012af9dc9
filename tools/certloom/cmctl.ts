import { isStatus, type Kubernetes } from '../../activities/clients/kubernetes.ts'
import type { Certificate } from '../../k8s-bridge/api/certificate.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'

/**
 * Sets Issuing=True as `cmctl renew` does: an Update of the status, once more where somebody else has written meanwhile.
 *
 * @throws Error if there is no such Certificate
 */
export async function cmctlRenew(
  kubernetes: Pick<Kubernetes, 'get' | 'replace'>,
  namespace: string,
  name: string,
): Promise<void> {
  for (;;) {
    const certificate = await kubernetes.get<Certificate>(apiPath('Certificate', namespace, name))
    if (certificate === undefined) throw new Error(`Certificate ${namespace}/${name} does not exist`)
    const issuing = {
      type: 'Issuing',
      status: 'True' as const,
      reason: 'ManuallyTriggered',
      message: 'Certificate re-issuance manually triggered',
      lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
      observedGeneration: certificate.metadata.generation,
    }
    const others = (certificate.status?.conditions ?? []).filter((one) => one.type !== 'Issuing')
    const status = { ...certificate.status, conditions: [...others, issuing] }
    try {
      await kubernetes.replace(apiPath('Certificate', namespace, name, 'status'), { ...certificate, status })
      return
    } catch (error) {
      if (!isStatus(error, 409)) throw error
    }
  }
}
