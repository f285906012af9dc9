import * as z from 'zod'
import { exactlyOneOf } from '../choice.ts'
import { goDuration, stringList, stringMap } from '../fields.ts'
import { dns01 } from './dns01.ts'
import { http01 } from './http01.ts'

const selector = z
  .object({
    matchLabels: stringMap().describe('Labels that the Certificate must have.').optional(),
    dnsNames: stringList()
      .describe('Names, written exactly as in the Certificate. A wildcard name is matched only by itself.')
      .optional(),
    dnsZones: stringList()
      .describe('Zones; a name is matched if it lies in one. The longest zone wins.')
      .optional(),
  })
  .describe(
    'Which names the solver is for; all parts must match. Without selector: for all that no other matches.',
  )

const types = { http01: http01.optional(), dns01: dns01.optional() }
export const solverTypes = Object.keys(types) as (keyof typeof types)[]

export const solver = z
  .object({
    selector: selector.optional(),
    ...types,
    waitInsteadOfSelfCheck: goDuration()
      .refine((text) => !text.startsWith('-'), { error: 'must not be negative' })
      .describe('Do not check the record or response; wait this long after presenting it, then ask the CA.')
      .optional(),
  })
  .check(exactlyOneOf(solverTypes))
  .describe('A way to prove control of names: exactly one of http01 and dns01.')
export type Solver = z.output<typeof solver>
