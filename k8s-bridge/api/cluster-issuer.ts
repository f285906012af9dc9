import * as z from 'zod'
import { optionalInCrd } from './fields.ts'
import { issuerSpec, issuerStatus } from './issuer/spec.ts'
import { objectMetadata, typeFields } from './metadata.ts'

export const clusterIssuer = z
  .object({
    ...typeFields,
    metadata: optionalInCrd(objectMetadata),
    spec: issuerSpec,
    status: issuerStatus.optional(),
  })
  .describe(
    'A CA that signs for Certificates of every namespace. Its Secrets are in the cluster resource namespace.',
  )
export type ClusterIssuer = z.output<typeof clusterIssuer>
