/**
 * Everything that goes over the wire between bridge, workflows, activities and operators: names, ids, payloads. Names
 * are frozen, because histories and scripts hold them; payloads carry `v`, and readers accept all older versions.
 */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow'
import type { Renewal } from './domain/doorbell-messages.ts'
import type { Attempt } from './domain/attempts.ts'
import type { Phase } from './domain/phases.ts'

export const TASK_QUEUE = 'certloom'
/** Prefixed like the other: whoever looks at a Challenge has to be a worker of its cluster. */
export const LOCK_TASK_QUEUE = 'certloom-locks'

export const workflowTypes = {
  certificate: 'certificate',
  issuer: 'issuer',
  dnsName: 'dnsName',
  cleanUp: 'cleanUp',
} as const

/** A doorbell: it says *look*, never *what*. Every field is optional, because tctl sends none. */
export interface Doorbell {
  v?: number
  uid?: string
  generation?: number
  cause?: string
}

export interface RenewMessage extends Doorbell {
  reason?: string
}

export interface PauseMessage extends Doorbell {
  on?: boolean
}

export const changedSignal = defineSignal<[Doorbell?]>('changed')
export const deletedSignal = defineSignal<[Doorbell?]>('deleted')
export const renewSignal = defineSignal<[RenewMessage?]>('renew')
export const pauseSignal = defineSignal<[PauseMessage?]>('pause')
export const refreshSignal = defineSignal<[Doorbell?]>('refresh')

export interface AttemptAnswer {
  attempt: number
}
export const renewNowUpdate = defineUpdate<AttemptAnswer, [RenewMessage | undefined]>('renewNow')
export const setPausedUpdate = defineUpdate<AttemptAnswer, [PauseMessage | undefined]>('setPaused')

export interface StatusAnswer {
  phase: Phase
  /** The reason and message behind the phase, in words. */
  finding: string
  revision: number
  attempt: number
  notAfter?: string
  renewalTime?: string
  paused: boolean
}
export const statusQuery = defineQuery<StatusAnswer>('status')
export const planQuery = defineQuery<string>('plan')
export const attemptsQuery = defineQuery<Attempt[]>('attempts')

/**
 * What a workflow knows of its object. The bridge compares it with what it sees, by ≠ and never by <, and rings only
 * where they differ; it stands in the memo, passed in full with every start and continue-as-new.
 */
export interface KnownFacts {
  uid: string
  generation: number
  /** `<reason>@<lastTransitionTime>` of an Issuing condition that is True, else empty. */
  issuing: string
  /** resourceVersion of the target Secret, empty where there is none. */
  secretVersion: string
  /** Annotation certloom.dev/paused; absent where it is not set. */
  paused?: true
}

/** The memo of every workflow of ours. A bridge that finds those of a foreign cluster under its ids does not begin. */
export interface WorkflowMemo extends Record<string, unknown> {
  /** uid of the namespace kube-system. */
  cluster: string
  known?: KnownFacts
  /** The object whose workflow it is: ids of long names cannot be read back. */
  target?: { kind: string; namespace: string; name: string }
}

export interface ObjectReference {
  namespace: string
  name: string
}

export interface CertificateInput extends ObjectReference {
  v: 1
  cluster: string
  known?: KnownFacts
  carried?: CarriedCertificate
}

/** What one run hands to the next. */
export interface CarriedCertificate {
  v: 1
  uid: string
  attempts: Attempt[]
  nextAttempt: number
  /** A renewal that somebody asked for and that no attempt has answered yet. */
  renew?: Renewal
  paused: boolean
  /** Start over times of the last hour, RFC 3339: five changes an hour are followed at once. */
  restarts: string[]
}

export interface IssuerInput {
  v: 1
  cluster: string
  kind: 'Issuer' | 'ClusterIssuer'
  /** Empty for a ClusterIssuer. */
  namespace: string
  name: string
  known?: KnownFacts
}

export interface CleanUpInput {
  v: 1
  cluster: string
  challenge: RecordReference
  /** Name of the Certificate whose record it is. */
  certificate?: string
  /** RFC 3339: the clean-up is given up then. */
  until: string
}

/** Enough to remove a record on another worker a week later, without the Challenge, and with no secret in it. */
export interface RecordReference {
  challenge: ObjectReference & { uid: string }
  certificateUid: string
  /** uid of the CertificateRequest whose order the record proves. */
  request: string
  fqdn: string
  /** Handle of the provider, plain data. */
  handle: unknown
  /** How a person knows the provider: `exec fixture-dns`. */
  provider: string
  /** Whose lock to release afterwards; absent where the provider needs none. */
  lock?: { requestId: string }
  /** The Challenge is taken away with its order: one call for all. */
  withOrder?: boolean
}

export interface LockHolder {
  requestId: string
  workflowId: string
  /** Which Challenge stands behind it, to look whether it is still there. */
  challenge: ObjectReference & { uid: string }
  /** That of the locks of its cluster: only a worker there can look at the Challenge. */
  taskQueue: string
}

export interface AcquireMessage extends LockHolder {
  v: 1
  /** True where the record may stand already, because an earlier try of the same step was interrupted. */
  holding: boolean
}
export interface AcquireAnswer {
  granted: boolean
  /** Requests before this one. */
  position: number
  holder?: string
}
export const acquireUpdate = defineUpdate<AcquireAnswer, [AcquireMessage]>('acquire')
export const releaseSignal = defineSignal<[{ v: 1; requestId: string }]>('release')
export const grantedSignal = defineSignal<[{ v: 1; requestId: string; fqdn: string }]>('granted')

export interface DnsNameInput {
  v: 1
  fqdn: string
  /** requestId of the one who asks first and so starts the lock. */
  first?: string
  queue?: unknown
}

type Hash = (text: string) => string

/** Longest id in bytes: the visibility store indexes 255 characters, and prefix and suffixes must still fit. */
const MAX_ID = 200

/** `parts` joined with slashes; over 200 characters the tail is replaced by a SHA-256, so that ids stay unique. */
export function workflowId(prefix: string, parts: string[], sha256Hex: Hash): string {
  const id = prefix + parts.join('/')
  return id.length <= MAX_ID ? id : `${id.slice(0, MAX_ID - 65)}~${sha256Hex(id)}`
}

export function certificateWorkflowId(prefix: string, ref: ObjectReference, hash: Hash): string {
  return workflowId(prefix, ['certificate', ref.namespace, ref.name], hash)
}

export function issuerWorkflowId(
  prefix: string,
  issuer: { kind: 'Issuer' | 'ClusterIssuer'; namespace: string; name: string },
  hash: Hash,
): string {
  const parts =
    issuer.kind === 'ClusterIssuer'
      ? ['cluster-issuer', issuer.name]
      : ['issuer', issuer.namespace, issuer.name]
  return workflowId(prefix, parts, hash)
}

/** Never prefixed: a challenge name is the same in every cluster that shares the Temporal namespace. */
export function dnsNameWorkflowId(fqdn: string, hash: Hash): string {
  return workflowId('', ['dns-name', fqdn.replace(/\.$/, '').toLowerCase()], hash)
}
