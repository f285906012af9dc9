import * as z from 'zod'
import { OPAQUE_OBJECT } from './crd/markers.ts'
import { int64, stringMap, time } from './fields.ts'

export const ownerReference = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().optional(),
  blockOwnerDeletion: z.boolean().optional(),
})
export type OwnerReference = z.output<typeof ownerReference>

/** What certloom reads of metav1.ObjectMeta. The API server validates it; in a CRD it is just an object. */
export const objectMetadata = z
  .object({
    name: z.string(),
    namespace: z.string().optional(),
    generateName: z.string().optional(),
    uid: z.string().optional(),
    /** Opaque: compare for equality, never by order. */
    resourceVersion: z.string().optional(),
    generation: z.int().optional(),
    labels: stringMap().optional(),
    annotations: stringMap().optional(),
    creationTimestamp: time().optional(),
    deletionTimestamp: time().optional(),
    deletionGracePeriodSeconds: int64().optional(),
    ownerReferences: z.array(ownerReference).optional(),
    finalizers: z.array(z.string()).optional(),
    managedFields: z.array(z.record(z.string(), z.unknown())).optional(),
  })
  .meta({ [OPAQUE_OBJECT]: true })
export type ObjectMetadata = z.output<typeof objectMetadata>

/** The two fields that every object begins with. Items of a list may lack them. */
export const typeFields = {
  apiVersion: z.string().describe('Group and version of the schema of this object.').optional(),
  kind: z.string().describe('Type of this object.').optional(),
}
