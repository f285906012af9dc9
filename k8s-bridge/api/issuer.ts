import * as z from 'zod'
import { optionalInCrd } from './fields.ts'
import { issuerSpec, issuerStatus } from './issuer/spec.ts'
import { objectMetadata, typeFields } from './metadata.ts'

export const issuer = z
  .object({
    ...typeFields,
    metadata: optionalInCrd(objectMetadata),
    spec: issuerSpec,
    status: issuerStatus.optional(),
  })
  .describe('A CA that signs for Certificates of its own namespace.')
export type Issuer = z.output<typeof issuer>
