import type { Certificate } from '../../k8s-bridge/api/certificate.ts'
import type { CertificateStatus } from '../../k8s-bridge/api/certificate/status.ts'
import type { Condition } from '../../k8s-bridge/api/conditions.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import { describeStall } from '../../workflows/domain/describe-stall.ts'
import type { Failure } from '../../workflows/domain/failures.ts'
import type { Readiness } from '../../workflows/domain/issue-reasons.ts'
import { KubernetesError, type Kubernetes } from '../clients/kubernetes.ts'
import { canonicalJson } from '../hash.ts'
import { readCertificate } from './view.ts'

/** A status and the changes that certloom makes to it: foreign conditions stay as they are. */
export class StatusDraft {
  readonly #generation: number
  readonly #now: string
  status: CertificateStatus

  /** `generation`: of the spec from which the changes follow, which may be older than the status. */
  constructor(certificate: Certificate, now: number, generation = certificate.metadata.generation) {
    this.#generation = generation ?? 0
    this.#now = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z')
    this.status = structuredClone(certificate.status ?? {})
  }

  get now(): string {
    return this.#now
  }

  condition(type: string): Condition | undefined {
    return this.status.conditions?.find((condition) => condition.type === type)
  }

  /** Keeps the transition time while the status stays, as Kubernetes does. */
  set(type: string, status: 'True' | 'False', reason: string, message: string): void {
    const before = this.condition(type)
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : this.#now
    const after = { type, status, reason, message, lastTransitionTime, observedGeneration: this.#generation }
    if (before !== undefined && sameCondition(before, after)) return
    this.remove(type)
    this.status.conditions = [...(this.status.conditions ?? []), after]
  }

  remove(type: string): void {
    this.status.conditions = this.status.conditions?.filter((condition) => condition.type !== type)
  }

  stall(failure: Failure | undefined): void {
    if (failure === undefined) this.remove('Stalled')
    else this.set('Stalled', 'True', failure.code, describeStall(failure))
  }

  ready(readiness: Readiness): void {
    this.set('Ready', readiness.status, readiness.reason, readiness.message)
    this.status.notBefore = readiness.notBefore
    this.status.notAfter = readiness.notAfter
    this.status.renewalTime = readiness.renewalTime
  }
}

function sameCondition(a: Condition, b: Condition): boolean {
  return canonicalJson(a) === canonicalJson(b)
}

/** How often a write that met a newer object reads it and decides again. */
const MAX_TRIES = 6

/**
 * Writes the whole /status, with a test on the uid and on the resourceVersion: what somebody else wrote a moment ago
 * (`cmctl renew`) is read and decided on, never lost. A spec that was edited meanwhile has not been observed: conditions
 * carry the generation of `certificate` as it is given, and the next look goes on from there. Nothing is sent where
 * nothing changes.
 */
export async function writeStatus(
  kubernetes: Kubernetes,
  certificate: Certificate,
  change: (draft: StatusDraft) => void,
  now: () => number = Date.now,
): Promise<Certificate> {
  let current = certificate
  for (let tries = 1; ; tries++) {
    const draft = new StatusDraft(current, now(), certificate.metadata.generation)
    change(draft)
    if (canonicalJson(draft.status) === canonicalJson(current.status ?? {})) return current
    const { namespace, name, uid, resourceVersion } = current.metadata
    try {
      return await kubernetes.patch<Certificate>(apiPath('Certificate', namespace, name, 'status'), [
        { op: 'test', path: '/metadata/uid', value: uid },
        { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
        { op: 'add', path: '/status', value: draft.status },
      ])
    } catch (error) {
      if (!(error instanceof KubernetesError) || !error.isPreconditionFailed || tries === MAX_TRIES)
        throw error
      const fresh = await readCertificate(kubernetes, { namespace: namespace ?? '', name })
      if (fresh === undefined || fresh.metadata.uid !== uid) throw error
      current = fresh
    }
  }
}
