import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Challenge } from '../../k8s-bridge/api/challenge.ts'
import type { RecordReference } from '../../workflows/messages.ts'
import { canonicalJson, sha256Hex } from '../hash.ts'
import { annotations } from '../objects.ts'

/** What the annotation certloom.dev/record says: which record stands, for which order, since when. */
export interface RecordClaim {
  v: 1
  /** URL of the order at the CA. */
  order: string
  /** RFC 3339. */
  since: string
  /** Workflow that put the record up and removes it; it is told when the lock of the name is granted. */
  workflowId: string
  /** Its run: another run of the same workflow asks the lock before it touches the record. */
  runId?: string
  record: RecordReference
}

/** Annotation that names the run of the lock, or its look at the holder, which has made a grant void. */
export const LOCK_ANNOTATION = 'certloom.dev/lock'

/**
 * The claim as text, authenticated with a key that only certloom has: after a loss of Temporal it says which records
 * are ours to remove, and nobody can make us remove one by writing an annotation.
 */
export function sealClaim(claim: RecordClaim, key: Buffer): string {
  return JSON.stringify({ ...claim, mac: mac(claim, key) })
}

/** The claim of a Challenge, or undefined where there is none or somebody else wrote it. */
export function readClaim(challenge: Challenge, key: Buffer): RecordClaim | undefined {
  const text = challenge.metadata.annotations?.[annotations.record]
  if (text === undefined) return undefined
  try {
    const { mac: given, ...claim } = JSON.parse(text) as RecordClaim & { mac: string }
    const [seen, wanted] = [Buffer.from(String(given)), Buffer.from(mac(claim, key))]
    if (seen.length !== wanted.length || !timingSafeEqual(seen, wanted)) return undefined
    // A sealed annotation that was copied to another Challenge speaks of another uid.
    return claim.record.challenge.uid === challenge.metadata.uid ? claim : undefined
  } catch {
    return undefined
  }
}

function mac(claim: RecordClaim, key: Buffer): string {
  return createHmac('sha256', key).update(canonicalJson(claim)).digest('base64url')
}

/** Label value by which the Challenges of one challenge name are listed. */
export function challengeNameLabel(fqdn: string): string {
  return sha256Hex(fqdn.toLowerCase().replace(/\.$/, '')).slice(0, 40)
}
