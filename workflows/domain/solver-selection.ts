/** A solver of an ACME issuer as far as its choice goes; the type that k8s-bridge/api infers is assignable. */
export interface SelectableSolver {
  selector?: {
    matchLabels?: Record<string, string>
    dnsNames?: string[]
    dnsZones?: string[]
  }
  http01?: unknown
  dns01?: unknown
}

export type SolvableType = 'dns-01' | 'http-01'

export interface SolverQuestion<Solver extends SelectableSolver> {
  solvers: readonly Solver[]
  /** The identifier of the authorization, without `*.`. */
  identifier: string
  wildcard?: boolean
  /** The types of the authorization's challenges. */
  offeredTypes: readonly string[]
  /** Labels of the Order, which come from the Certificate. */
  labels?: Readonly<Record<string, string>>
}

export interface SolverChoice<Solver> {
  /** Position in the issuer's list. */
  index: number
  solver: Solver
  type: SolvableType
}

/**
 * The solver for one authorization, chosen as cert-manager does: all given parts of a selector must match; a hit in
 * dnsNames beats the longest dnsZones entry, that beats the number of matchLabels, and the first in the list wins a
 * tie. Undefined: none fits.
 */
export function selectSolver<Solver extends SelectableSolver>(
  question: SolverQuestion<Solver>,
): SolverChoice<Solver> | undefined {
  let best: { choice: SolverChoice<Solver>; score: Score } | undefined
  for (const [index, solver] of question.solvers.entries()) {
    const type = typeOf(solver)
    // RFC 8555 8.3: http-01 cannot prove a wildcard.
    const usable =
      type !== undefined && question.offeredTypes.includes(type) && !(question.wildcard && type !== 'dns-01')
    if (!usable) continue
    const score = scoreOf(solver.selector, question)
    if (score !== undefined && (best === undefined || isHigher(score, best.score))) {
      best = { choice: { index, solver, type }, score }
    }
  }
  return best?.choice
}

type Score = readonly [names: number, zoneLabels: number, labels: number]

function typeOf({ http01, dns01 }: SelectableSolver): SolvableType | undefined {
  if (http01 != null) return 'http-01'
  return dns01 != null ? 'dns-01' : undefined
}

function scoreOf(
  selector: SelectableSolver['selector'],
  { identifier, wildcard, labels = {} }: SolverQuestion<SelectableSolver>,
): Score | undefined {
  const { matchLabels = {}, dnsNames = [], dnsZones = [] } = selector ?? {}
  const domain = wildcard ? `*.${identifier}` : identifier
  if (dnsNames.length > 0 && !dnsNames.includes(domain)) return undefined
  const zoneLabels = Math.max(0, ...dnsZones.map((zone) => matchingLabels(zone, domain)))
  if (dnsZones.length > 0 && zoneLabels === 0) return undefined
  const wanted = Object.entries(matchLabels)
  if (!wanted.every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value)) return undefined
  return [dnsNames.length > 0 ? 1 : 0, zoneLabels, wanted.length]
}

/** The number of labels of a zone that the domain lies in; 0 where it does not. */
function matchingLabels(zone: string, domain: string): number {
  const [zoneLabels, domainLabels] = [labelsOf(zone), labelsOf(domain)]
  const inside = zoneLabels.every((label, index) => label === domainLabels[index])
  return inside ? zoneLabels.length : 0
}

/** Labels of a DNS name from the right, in lower case; none for the root. */
function labelsOf(name: string): string[] {
  const text = name.toLowerCase().replace(/\.$/, '')
  return text === '' ? [] : text.split('.').reverse()
}

function isHigher(left: Score, right: Score): boolean {
  const [names, zones, labels] = [left[0] - right[0], left[1] - right[1], left[2] - right[2]]
  return (names || zones || labels) > 0
}
