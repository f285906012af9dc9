import * as z from 'zod'
import { atomicList, int32, stringList, stringMap } from '../fields.ts'

const atomicMap = { 'x-kubernetes-map-type': 'atomic' }

function requirement(subject: string, operators: string) {
  return z
    .object({
      key: z.string().describe(`Key of the ${subject}.`),
      operator: z.string().describe(operators),
      values: stringList().describe('Values to compare with; none for Exists and DoesNotExist.').optional(),
    })
    .describe(`One condition on a ${subject}.`)
}

const nodeOperators = 'In, NotIn, Exists, DoesNotExist, Gt or Lt.'

function nodeSelectorTerm(description: string) {
  return z
    .object({
      matchExpressions: atomicList(requirement('node label', nodeOperators))
        .describe('Conditions on labels of the node; all must hold.')
        .optional(),
      matchFields: atomicList(requirement('node field', nodeOperators))
        .describe('Conditions on fields of the node; all must hold.')
        .optional(),
    })
    .meta(atomicMap)
    .describe(description)
}

const weight = int32().describe('Weight of this wish, 1 to 100.')

const nodeAffinity = z
  .object({
    preferredDuringSchedulingIgnoredDuringExecution: atomicList(
      z
        .object({ preference: nodeSelectorTerm('The nodes that are preferred.'), weight })
        .describe('A wish for certain nodes.'),
    )
      .describe('Wishes; the node with the greatest sum of weights is taken.')
      .optional(),
    requiredDuringSchedulingIgnoredDuringExecution: z
      .object({
        nodeSelectorTerms: atomicList(nodeSelectorTerm('One set of conditions.')).describe(
          'Sets of conditions, one of which must hold.',
        ),
      })
      .meta(atomicMap)
      .describe('What the node must fulfil.')
      .optional(),
  })
  .describe('Which nodes the Pod may or should run on.')

function labelSelector(description: string) {
  return z
    .object({
      matchExpressions: atomicList(requirement('label', 'In, NotIn, Exists or DoesNotExist.'))
        .describe('Conditions on labels; all must hold.')
        .optional(),
      matchLabels: stringMap().describe('Labels with their values; all must match.').optional(),
    })
    .meta(atomicMap)
    .describe(description)
}

function podAffinityTerm(description: string) {
  return z
    .object({
      labelSelector: labelSelector('Which Pods are meant, by their labels. Empty: none.').optional(),
      matchLabelKeys: stringList()
        .describe('Label keys whose values must be those of the new Pod.')
        .optional(),
      mismatchLabelKeys: stringList()
        .describe('Label keys whose values must differ from those of the new Pod.')
        .optional(),
      namespaceSelector: labelSelector('Namespaces in which to look, by their labels. {}: all.').optional(),
      namespaces: stringList()
        .describe('Namespaces in which to look, by name. Default: that of the Pod.')
        .optional(),
      topologyKey: z.string().describe('Node label that makes a place, such as topology.kubernetes.io/zone.'),
    })
    .describe(description)
}

function podAffinity(description: string, together: string) {
  return z
    .object({
      preferredDuringSchedulingIgnoredDuringExecution: atomicList(
        z
          .object({ podAffinityTerm: podAffinityTerm('Which Pods, and what counts as one place.'), weight })
          .describe(`A wish to run ${together}.`),
      )
        .describe('Wishes; the node with the greatest sum of weights is taken.')
        .optional(),
      requiredDuringSchedulingIgnoredDuringExecution: atomicList(podAffinityTerm(`Pods to run ${together}.`))
        .describe('What the node must fulfil; all terms must hold.')
        .optional(),
    })
    .describe(description)
}

export const affinity = z
  .object({
    nodeAffinity: nodeAffinity.optional(),
    podAffinity: podAffinity('Pods that the Pod should be near to.', 'in one place with').optional(),
    podAntiAffinity: podAffinity('Pods that the Pod should be far from.', 'in another place than').optional(),
  })
  .describe('Where the Pod may or should run.')
