import * as z from 'zod'
import { atomicList, int64, listByKey, serverDefault, stringMap } from '../fields.ts'
import { affinity } from './affinity.ts'
import { resources } from './resources.ts'
import { securityContext } from './security-context.ts'

export function templateMetadata(what: string) {
  return z
    .object({
      annotations: stringMap().describe(`Annotations that ${what} gets in addition.`).optional(),
      labels: stringMap().describe(`Labels that ${what} gets in addition.`).optional(),
    })
    .describe(`Labels and annotations for ${what}.`)
}

const toleration = z
  .object({
    key: z.string().describe('Key of the taint. Empty with operator Exists: every taint.').optional(),
    operator: z.string().describe('Exists, or Equal to compare the value too. Default: Equal.').optional(),
    value: z.string().describe('Value of the taint, for operator Equal.').optional(),
    effect: z.string().describe('NoSchedule, PreferNoSchedule or NoExecute. Empty: every effect.').optional(),
    tolerationSeconds: int64()
      .describe('Seconds to stay after a NoExecute taint appears. Default: for ever.')
      .optional(),
  })
  .describe('A taint that the Pod puts up with.')

const imagePullSecret = z
  .object({ name: serverDefault(z.string(), '').describe('Name of the Secret.') })
  .meta({ 'x-kubernetes-map-type': 'atomic' })
  .describe('A Secret of type kubernetes.io/dockerconfigjson.')

const podSpec = z
  .object({
    affinity: affinity.optional(),
    imagePullSecrets: listByKey('name', imagePullSecret)
      .describe('Secrets of the same namespace with credentials of image registries.')
      .optional(),
    nodeSelector: stringMap().describe('Labels that the node must have.').optional(),
    priorityClassName: z.string().describe('PriorityClass of the Pod.').optional(),
    resources: resources.optional(),
    securityContext: securityContext.optional(),
    serviceAccountName: z.string().describe('ServiceAccount of the Pod.').optional(),
    tolerations: atomicList(toleration).describe('Taints that the Pod puts up with.').optional(),
  })
  .describe('Changes to the spec of the Pod.')

export const podTemplate = z
  .object({ metadata: templateMetadata('the Pod').optional(), spec: podSpec.optional() })
  .describe('Changes to the Pod that answers. Without effect where the shared responder answers.')
export type PodTemplate = z.output<typeof podTemplate>
