import type { Certificate } from '../../../../k8s-bridge/api/certificate.ts'
import type { AnyObject } from '../../support/world.ts'
import type { Cell } from './cells.ts'
import type { KillerName } from './killers.ts'

/** A version of an object as a watch told it. */
export interface Version {
  type: string
  object: AnyObject
  /** When it was shown, milliseconds since the epoch. */
  at: number
}

export interface RunFigures {
  runId: string
  events: number
  /** Bytes of the largest payload in the history. */
  largestPayload: number
}

/** What the world looks like after a killer struck and everything went on: from outside of certloom only. */
export interface Observation {
  killer: KillerName
  /** When everything was looked at, milliseconds since the epoch. */
  at: number
  /** PEM of every root that may have issued. */
  roots: string[]
  cells: CellObservation[]
  /** Records of the stage's domain that were not there before, or are there no more. */
  zoneChanges: string[]
  /** Pipes and Unix sockets of a worker after one issuance that nobody disturbed, and of the one that runs now. */
  pipes: { before: number; now: number }
  /** What ended the watches early, if anything did. */
  blind?: string
}

export interface CellObservation {
  cell: Cell
  /** The names that the Certificate asks for at the end. */
  names: string[]
  /** Whether a step was stopped at the point when the killer struck. */
  held: boolean
  certificate?: Certificate
  secret?: AnyObject
  /** Every version of the target Secret, of the Certificate and of its requests. */
  secretVersions: Version[]
  certificateVersions: Version[]
  requestVersions: Version[]
  /** Orders that the CA took, and those that it was asked to sign and did not refuse. */
  orders: number
  finalized: number
  /** Orders that nobody finalized and that wait for a proof until they expire. */
  pending: number
  /** Next keys that were ever made. */
  keys: number
  /** What is left of the attempt. */
  temporarySecrets: AnyObject[]
  challenges: AnyObject[]
  records: string[]
  /** Process ids of plugin calls that still run. */
  children: number[]
  runs: RunFigures[]
  /** Whether its workflow has no step under way. */
  isQuiet: boolean
  /** Ids of clean-ups and locks that still run, and of the workflow of a Certificate that was deleted. */
  openWorkflows: string[]
}
