import type { CellObservation, Observation, Version } from '../observation.ts'
import { chainOf, keyOf } from './secret.ts'

/** I3, I4, I15, I17: nothing that a watcher was ever shown is wrong. */
export function versions(cell: CellObservation, { killer }: Observation): string[] {
  return [
    ...cell.secretVersions.filter(({ type }) => type !== 'DELETED').flatMap(wrongPair),
    ...lost(cell.secretVersions),
    ...back(cell.secretVersions),
    ...shorter(cell.secretVersions, killer === 'edited'),
    ...older(cell.secretVersions),
    ...failures(cell.certificateVersions),
    ...revisions(cell.certificateVersions),
    ...ahead(cell.certificateVersions),
    ...cell.requestVersions.flatMap(unapproved),
  ]
}

function wrongPair({ object }: Version): string[] {
  const data = object.data ?? {}
  const key = keyOf(data)
  const [leaf] = chainOf(data)
  if (leaf === undefined || key === undefined)
    return ['I3: a version of the Secret has no certificate or no key']
  return leaf.checkPrivateKey(key) ? [] : ['I3: a version of the Secret has a key that does not fit']
}

/** Nobody takes a Secret away, least of all an attempt that is given up. */
function lost(seen: Version[]): string[] {
  return seen.some(({ type }) => type === 'DELETED') ? ['I4: the Secret was deleted'] : []
}

/** What has been replaced never comes back, however late the one is who carries it. */
function back(seen: Version[]): string[] {
  const held = seen.flatMap(({ object }) => chainOf(object.data ?? {}).slice(0, 1))
  const prints = held.map(({ fingerprint256 }) => fingerprint256)
  const isBack = (one: string, at: number) => one !== prints[at - 1] && prints.indexOf(one) < at
  return prints.some(isBack) ? ['I4: a certificate came back that another one had replaced'] : []
}

/** Nothing that a killer does is a judgement of the CA about an attempt. */
function failures(seen: Version[]): string[] {
  const counted = seen.some(({ object }) => object.status?.['failedIssuanceAttempts'] !== undefined)
  return counted ? ['I5: an attempt was counted as failed'] : []
}

/** A certificate that ends earlier than the one before it: somebody went back to an old one. */
function shorter(seen: Version[], mayChange: boolean): string[] {
  if (mayChange) return []
  const ends = seen.filter(({ type }) => type !== 'DELETED').map(({ object }) => end(object.data ?? {}))
  return ends.some((one, index) => one < (ends[index - 1] ?? 0))
    ? ['I4: a version of the Secret ends earlier than the one before']
    : []
}

function end(data: Record<string, string>): number {
  const [leaf] = chainOf(data)
  return leaf === undefined ? 0 : Date.parse(leaf.validTo)
}

/** A certificate that begins earlier than the one before it: it was issued before that one. */
function older(seen: Version[]): string[] {
  const begins = seen
    .filter(({ type }) => type !== 'DELETED')
    .flatMap(({ object }) => chainOf(object.data ?? {}).slice(0, 1))
    .map(({ validFrom }) => Date.parse(validFrom))
  return begins.some((one, index) => one < (begins[index - 1] ?? 0))
    ? ['I15: a version of the Secret holds an older certificate than the one before']
    : []
}

/** A status that speaks of a spec that was not there yet. */
function ahead(seen: Version[]): string[] {
  return seen.flatMap(({ object: { metadata, status } }) =>
    (status?.conditions ?? [])
      .map(({ type, ...condition }) => ({
        type,
        seen: (condition as { observedGeneration?: number }).observedGeneration ?? 0,
      }))
      .filter((condition) => condition.seen > Number(metadata['generation']))
      .map(
        ({ type, seen }) =>
          `I15: ${type} has observed generation ${seen} of ${String(metadata['generation'])}`,
      ),
  )
}

function revisions(seen: Version[]): string[] {
  const numbers = seen.map(({ object }) => Number(object.status?.['revision'] ?? 0))
  return numbers.some((one, index) => one < (numbers[index - 1] ?? 0))
    ? [`I15: the revision went back: ${numbers.join(' ')}`]
    : []
}

function unapproved({ object }: Version): string[] {
  const { conditions = [], certificate } = object.status ?? {}
  const approved = conditions.some(({ type, status }) => type === 'Approved' && status === 'True')
  return certificate !== undefined && !approved
    ? [`I17: CertificateRequest ${object.metadata.name} was signed without approval`]
    : []
}
