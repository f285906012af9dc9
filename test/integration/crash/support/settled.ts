import type { Certificate } from '../../../../k8s-bridge/api/certificate.ts'
import { inPool } from '../../../../tools/check/pool.ts'
import { isQuiet } from '../../../../tools/observe/history.ts'
import { certificateId } from '../../certificate/support/operator.ts'
import { condition } from '../../support/world.ts'
import type { Stage } from './stage.ts'

/** I5: how soon all is well after a kill, in seconds. */
const SETTLE = 120
const AT_A_TIME = 20

/**
 * Waits until every Certificate is Ready (or gone), what its issuance needed has been taken away, and no step is under
 * way any more: one that a killer has cut off is tried again only when Temporal takes it for lost, long after the
 * Certificate may be Ready.
 */
export async function settled(stage: Stage): Promise<void> {
  await stage.world
    .until('all Certificates are done', SETTLE, async () => {
      const certificates = (await stage.list<Certificate>('Certificate')).filter(({ metadata }) =>
        stage.cells.some(({ name }) => name === metadata.name),
      )
      if (stage.killer === 'deleted' ? certificates.length > 0 : !certificates.every(isReady)) return false
      const secrets = await stage.list('Secret', 'cert-manager.io/next-private-key=true')
      if (secrets.length > 0 || (await stage.list('Challenge')).length > 0) return false
      if ((await openWorkflows(stage)).length > 0) return false
      const quiet = await inPool(stage.cells, AT_A_TIME, ({ name }) => isCellQuiet(stage, name))
      return quiet.every((one) => one)
    })
    // What is not as it should be is told cell by cell.
    .catch(() => undefined)
}

/** Ids of the clean-ups and locks of a stage that are open, and of the workflows whose Certificate was deleted. */
export async function openWorkflows({ world, killer, site, namespace, cells }: Stage): Promise<string[]> {
  const deleted = new Set(killer === 'deleted' ? cells.map(({ name }) => certificateId(namespace, name)) : [])
  const ids: string[] = []
  const query = 'ExecutionStatus="Running" AND WorkflowType IN ("cleanUp", "dnsName", "certificate")'
  for await (const { workflowId, type } of world.temporal.workflow.list({ query })) {
    const isOfStage = type === 'certificate' ? deleted.has(workflowId) : workflowId.includes(site.domain)
    if (isOfStage) ids.push(workflowId)
  }
  return ids
}

export function isCellQuiet({ world, namespace }: Stage, name: string): Promise<boolean> {
  return isQuiet(world.temporal, certificateId(namespace, name))
}

function isReady(certificate: Certificate): boolean {
  const ready = condition(certificate, 'Ready')
  return (
    ready?.status === 'True' &&
    ready.observedGeneration === certificate.metadata.generation &&
    condition(certificate, 'Issuing') === undefined
  )
}
