import * as z from 'zod'
import { crlDistributionPoints } from './ca.ts'

export const selfSignedIssuer = z
  .object({ crlDistributionPoints: crlDistributionPoints.optional() })
  .describe('Signs each certificate with its own key. Good for a root of your own.')
export type SelfSignedIssuer = z.output<typeof selfSignedIssuer>
