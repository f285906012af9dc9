import type { KnownFacts } from '../workflows/messages.ts'

/** One workflow of ours, by the object that it keeps. */
export interface Target {
  kind: 'Certificate' | 'Issuer' | 'ClusterIssuer'
  /** Empty for a ClusterIssuer. */
  namespace: string
  name: string
}

/** An open workflow, as a list of Temporal shows it. */
export interface OpenWorkflow {
  target: Target
  workflowId: string
  runId: string
  known: KnownFacts | undefined
  /**
   * What Temporal reports of its tasks while they fail again and again, the search attribute TemporalReportedProblems:
   * `category=WorkflowTaskFailed`, `cause=WorkflowTaskFailedCauseNonDeterministicError`. Empty while they succeed.
   */
  problems: readonly string[]
}

/** The way to Temporal, as the bridge needs it. Throws TemporalUnavailable while Temporal does not answer. */
export interface Doorbell {
  /** Tells the workflow to look, and starts it where it is not there. */
  ring(target: Target, signal: 'changed' | 'deleted', known: KnownFacts, cause: string): Promise<void>
  /** Tells an open workflow that its object is gone; nothing happens where it is not open. */
  tellDeleted(target: Target): Promise<void>
  /**
   * The open workflows of this cluster, by `keyOf` their target. Throws an Error that says what to do where another
   * cluster has an open workflow under one of our ids.
   */
  openWorkflows(): Promise<Map<string, OpenWorkflow>>
}

export class TemporalUnavailable extends Error {
  override readonly name = 'TemporalUnavailable'
}

export function keyOf({ kind, namespace, name }: Target): string {
  return `${kind}/${namespace}/${name}`
}

export function sameFacts(a: KnownFacts | undefined, b: KnownFacts): boolean {
  return (
    a !== undefined &&
    a.uid === b.uid &&
    a.generation === b.generation &&
    a.issuing === b.issuing &&
    a.secretVersion === b.secretVersion &&
    a.paused === b.paused
  )
}
