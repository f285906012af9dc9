import type * as z from 'zod'
import { certificateRequest } from '../certificate-request.ts'
import { certificate } from '../certificate.ts'
import { challenge } from '../challenge.ts'
import { clusterIssuer } from '../cluster-issuer.ts'
import { issuer } from '../issuer.ts'
import { kinds, type Resource } from '../kinds.ts'
import { order } from '../order.ts'

export interface PrinterColumn {
  name: string
  type: 'string' | 'date'
  jsonPath: string
  description: string
  /** 1: only with `-o wide`. */
  priority?: 1
}

/** What a CRD says beside its schema. */
export interface Definition {
  readonly resource: Resource
  readonly schema: z.ZodType
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly columns: readonly PrinterColumn[]
  /** Fields that field selectors may name (Kubernetes 1.31 and later). */
  readonly selectableFields: readonly string[]
}

const conditionColumn = (type: string, description: string): PrinterColumn => ({
  name: type,
  type: 'string',
  jsonPath: `.status.conditions[?(@.type == "${type}")].status`,
  description,
})
const wide = (column: PrinterColumn): PrinterColumn => ({ ...column, priority: 1 })

const ready = conditionColumn('Ready', 'Whether it can be used.')
const statusMessage = wide({
  name: 'Status',
  type: 'string',
  jsonPath: '.status.conditions[?(@.type == "Ready")].message',
  description: 'Why it can or cannot be used.',
})
const issuerName: PrinterColumn = {
  name: 'Issuer',
  type: 'string',
  jsonPath: '.spec.issuerRef.name',
  description: 'Name of the issuer.',
}
const state: PrinterColumn = {
  name: 'State',
  type: 'string',
  jsonPath: '.status.state',
  description: 'State at the CA.',
}
const reason = wide({
  name: 'Reason',
  type: 'string',
  jsonPath: '.status.reason',
  description: 'Why it is in this state.',
})
const age: PrinterColumn = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'Time since it was created.',
}

const issuerRefFields = ['.spec.issuerRef.group', '.spec.issuerRef.kind', '.spec.issuerRef.name']
const general = ['cert-manager']
const acme = ['cert-manager', 'cert-manager-acme']

export const definitions: readonly Definition[] = [
  {
    resource: kinds.Certificate,
    schema: certificate,
    shortNames: ['cert', 'certs'],
    categories: general,
    columns: [
      ready,
      { name: 'Secret', type: 'string', jsonPath: '.spec.secretName', description: 'Secret that holds it.' },
      wide(issuerName),
      statusMessage,
      age,
    ],
    selectableFields: issuerRefFields,
  },
  {
    resource: kinds.CertificateRequest,
    schema: certificateRequest,
    shortNames: ['cr', 'crs'],
    categories: general,
    columns: [
      conditionColumn('Approved', 'Whether an approver agreed.'),
      conditionColumn('Denied', 'Whether an approver refused.'),
      ready,
      issuerName,
      { name: 'Requester', type: 'string', jsonPath: '.spec.username', description: 'Who created it.' },
      statusMessage,
      age,
    ],
    selectableFields: issuerRefFields,
  },
  {
    resource: kinds.Issuer,
    schema: issuer,
    shortNames: ['iss'],
    categories: general,
    columns: [ready, statusMessage, age],
    selectableFields: [],
  },
  {
    resource: kinds.ClusterIssuer,
    schema: clusterIssuer,
    shortNames: ['ciss'],
    categories: general,
    columns: [ready, statusMessage, age],
    selectableFields: [],
  },
  {
    resource: kinds.Order,
    schema: order,
    shortNames: [],
    categories: acme,
    columns: [state, wide(issuerName), reason, age],
    selectableFields: issuerRefFields,
  },
  {
    resource: kinds.Challenge,
    schema: challenge,
    shortNames: [],
    categories: acme,
    columns: [
      state,
      { name: 'Domain', type: 'string', jsonPath: '.spec.dnsName', description: 'Name to prove.' },
      reason,
      age,
    ],
    selectableFields: issuerRefFields,
  },
]
