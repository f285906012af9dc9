import * as z from 'zod'
import { int64, listByKey, time } from './fields.ts'

const fields = {
  type: z.string().describe('What the condition is about, such as Ready. Unique in the list.'),
  status: z
    .enum(['True', 'False', 'Unknown'])
    .describe('Whether the condition holds: True, False or Unknown.'),
  reason: z.string().describe('One word in CamelCase for programs: why the status is what it is.').optional(),
  message: z.string().describe('The same for people, in a sentence.').optional(),
  lastTransitionTime: time().describe('When the status last changed.').optional(),
}

const oneOfThem = 'One finding about the object.'

/**
 * A condition. Any type passes, so conditions of other controllers survive reading and writing back.
 */
export const condition = z.object({
  ...fields,
  observedGeneration: int64()
    .describe(
      'Generation of the object that the condition speaks of; lower than metadata.generation: outdated.',
    )
    .optional(),
})
export type Condition = z.output<typeof condition>

/** A condition of a CertificateRequest: its CRD knows no observedGeneration. */
export const requestCondition = z.object(fields)
export type RequestCondition = z.output<typeof requestCondition>

export const conditions = listByKey('type', condition.describe(oneOfThem))
export const requestConditions = listByKey('type', requestCondition.describe(oneOfThem))
