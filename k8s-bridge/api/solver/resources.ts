import * as z from 'zod'

const quantityPattern =
  /^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$/

const error = 'must be a quantity such as 100m, 64Mi or 2'

/** A Kubernetes quantity such as `64Mi`, `100m` or 2. */
const quantity = z
  .union([z.int(), z.string().regex(quantityPattern, { error })], { error })
  .meta({ 'x-kubernetes-int-or-string': true, pattern: quantityPattern.source })

export const resources = z
  .object({
    limits: z.record(z.string(), quantity).describe('The most that the Pod may use: cpu, memory.').optional(),
    requests: z
      .record(z.string(), quantity)
      .describe('What is set aside for the Pod: cpu, memory.')
      .optional(),
  })
  .describe('Processor and memory of the Pod. Default: that of the installation.')
