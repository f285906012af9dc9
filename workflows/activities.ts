/**
 * What workflows ask activities to do: references in, facts out. No spec, key, password or answer of a server is in
 * any of these types, because all of them are kept in the history.
 */
import type { Failure } from './domain/failures.ts'
import type { IssueDecision } from './domain/issue-reasons.ts'
import type { LockClaim } from './domain/lock-queue.ts'
import type { Packed } from './domain/packed.ts'
import type { PlacedOrder } from './domain/placed-order.ts'
import type {
  CleanUpInput,
  DnsNameInput,
  IssuerInput,
  KnownFacts,
  LockHolder,
  ObjectReference,
  RecordReference,
} from './messages.ts'

/** A Certificate in one incarnation: the same name with another uid is another certificate. */
export interface CertificateReference extends ObjectReference {
  uid: string
}

/** One try at one revision: the key by which every step finds what an earlier run of itself left. */
export interface AttemptReference {
  certificate: CertificateReference
  revision: number
  attempt: number
}

export interface CertificateSummary {
  /** Lower-case hex. */
  serial: string
  fingerprint: string
  notBefore: string
  notAfter: string
  issuer: string
}

/** What is the matter with a Certificate now, read from the API server; the spec itself stays there. */
export type Look = { exists: false } | ExistingLook
export interface ExistingLook {
  exists: true
  known: KnownFacts
  deleting: boolean
  /** Annotation certloom.dev/paused. */
  paused: boolean
  /** Why to issue, under cert-manager's reasons; absent where the certificate is as wished. */
  why?: IssueDecision
  /** What only a change of the object can mend. */
  invalid?: Failure
  revision: number
  failures: number
  lastFailureAt?: string
  /** A failure delays the next attempt only while its request still fits the spec. */
  backOffApplies: boolean
  /** Changes exactly when the key or the request would: an attempt under way is then given up. */
  requestDigest: string
  certificate?: CertificateSummary
  renewalTime?: string
  /** The status in the cluster, or what the Secret says of itself, is not what is true now. */
  statusStale: boolean
  /** The first names, for search attributes and details. */
  names: string[]
  moreNames: number
  issuer: string
  /** Records that an attempt which nobody remembers left; asked for by the first look of a run. */
  leftovers: Packed<RecordReference>
}

export interface LookInput extends ObjectReference {
  uid?: string
  /** Look for records of forgotten attempts too. */
  leftovers: boolean
}

export interface PrepareInput {
  certificate: CertificateReference
  attempt: number
  /** Goes into the Issuing condition and its event. */
  cause: IssueDecision
}

export interface StepTime {
  name: string
  ms: number
}

export interface Prepared {
  revision: number
  request: string
  temporarySecret: string
  /** `sign`: done already, publish; `order`: an ACME order follows; `external`: another controller signs. */
  flow: 'sign' | 'order' | 'external'
  requestDigest: string
  known: KnownFacts
  names: string[]
  issuer: string
  /** Records of earlier attempts of this Certificate that have to go first. */
  leftovers: Packed<RecordReference>
  steps: StepTime[]
}

export interface OrderInput extends AttemptReference {
  request: string
  /** An order that could not be written down yet, or whose objects went with their Certificate. */
  placed?: PlacedOrder
}

export interface ChallengePlan {
  challenge: ObjectReference & { uid: string }
  /** As a person writes it, with the star of a wildcard. */
  name: string
  fqdn: string
  provider: string
  /** The provider cannot hold two values of a name: one challenge after the other, under the lock of the name. */
  exclusive: boolean
  /** How to remove the record, known before it is written. */
  record: RecordReference
}

export interface OrderPlan {
  order: string
  url: string
  issuer?: PlacedOrder['issuer']
  /** RFC 3339; the order and all its challenges are void then. */
  deadline: string
  challenges: Packed<ChallengePlan>
  /** Records of this order that are proven or void by now and still stand. */
  leftovers?: Packed<RecordReference>
}

export interface ChallengeInput extends AttemptReference {
  plan: ChallengePlan
  order: string
  deadline: string
}

export interface Presented {
  /** Another certificate has the name. */
  queued?: { position: number; holder: string }
}

/** One window of looking at the world. */
export interface WindowInput extends ChallengeInput {
  windowMs: number
  tries: number
  /** RFC 3339, when the first window opened. */
  since?: string
  /** What was found last, so that the same text is not written again. */
  finding?: string
}
export interface Window {
  done: boolean
  finding: string
  tries: number
  since: string
  /** RFC 3339, where the next look is not due before: the window after this one opens then. */
  notBefore?: string
}

export interface PublishInput extends AttemptReference {
  request: string
  temporarySecret: string
  requestDigest: string
}

export interface FinalizeInput extends PublishInput {
  order: string
}

export interface Published {
  certificate: CertificateSummary
  revision: number
  renewalTime?: string
  known: KnownFacts
  steps: StepTime[]
}

export interface FailInput extends AttemptReference {
  request?: string
  failure: Failure
}

export interface ReportInput {
  certificate: CertificateReference
  /** Absent: nothing is the matter any more, Stalled is removed. */
  failure?: Failure
}

export interface CertificateActivities {
  look(input: LookInput): Promise<Look>
  prepare(input: PrepareInput): Promise<Prepared>
  createOrder(input: OrderInput): Promise<OrderPlan>
  presentChallenge(input: ChallengeInput): Promise<Presented>
  checkPropagation(input: WindowInput): Promise<Window>
  answerChallenge(input: WindowInput): Promise<Window>
  cleanUpChallenge(record: RecordReference): Promise<void>
  finalizeAndPublish(input: FinalizeInput): Promise<Published>
  publish(input: PublishInput): Promise<Published>
  failAttempt(input: FailInput): Promise<KnownFacts>
  discardAttempt(input: AttemptReference): Promise<KnownFacts>
  abandonOrder(input: OrderInput): Promise<void>
  reportBlocked(input: ReportInput): Promise<void>
  updateStatus(input: ReportInput): Promise<KnownFacts>
}

export interface IssuerLook {
  exists: boolean
  known?: KnownFacts
  ready: boolean
  finding: string
  /** What keeps it from being ready, and whether looking again may help. */
  failure?: Failure
}

export interface IssuerActivities {
  verifyIssuer(input: IssuerInput): Promise<IssuerLook>
}

export interface CleanUpActivities {
  cleanUpChallenge(record: RecordReference): Promise<void>
  giveUpCleanUp(input: CleanUpInput): Promise<void>
}

export interface LockActivities {
  /** Who holds the name according to the cluster, oldest claim first. */
  findClaims(input: DnsNameInput): Promise<LockClaim[]>
  /** `gone` only after what the holder left has been removed. */
  inspectHolder(holder: LockHolder & { fqdn: string }): Promise<'holding' | 'gone'>
}
