import { budgets, type Budget } from './budgets.ts'

export interface Figure {
  readonly scenario: string
  /** Stable name in the JSON, such as `writes.ca.writes`. */
  readonly id: string
  /** In words, for the table. */
  readonly what: string
  readonly value: number
  readonly unit: string
  /** Anything that a reader needs beside the number: percentiles, counts. */
  readonly beside?: string
}

export interface Verdict extends Figure {
  readonly budget?: Budget
  /** Undefined where there is no budget. */
  readonly met?: boolean
}

/** What has been measured, in the order in which it was. */
export class Results {
  readonly figures: Verdict[] = []
  /** Lists that explain figures, such as which writes an issuance makes. */
  readonly lists: { readonly title: string; readonly lines: readonly string[] }[] = []
  /** What went wrong or makes figures doubtful. */
  readonly warnings: string[] = []
  /** How many scenarios could not be measured; the warnings say why. */
  failures = 0
  /** Hears of everything as it comes. */
  readonly onFigure: (figure: Verdict) => void
  readonly onList: (title: string, lines: readonly string[]) => void

  constructor(
    onFigure: (figure: Verdict) => void = () => undefined,
    onList: (title: string, lines: readonly string[]) => void = () => undefined,
  ) {
    this.onFigure = onFigure
    this.onList = onList
  }

  add(figure: Figure): void {
    const verdict = judge(figure)
    this.figures.push(verdict)
    this.onFigure(verdict)
  }

  fail(why: string): void {
    this.failures += 1
    this.warnings.push(`not measured: ${why}`)
  }

  list(title: string, lines: readonly string[]): void {
    this.lists.push({ title, lines })
    this.onList(title, lines)
  }

  /** Budgets that were missed; `counts`: only those that do not depend on how fast the machine is. */
  missed(counts = false): Verdict[] {
    return this.figures.filter(({ met, budget }) => met === false && (!counts || budget?.kind === 'count'))
  }
}

function judge(figure: Figure): Verdict {
  const budget = budgets[figure.id]
  if (budget === undefined) return figure
  const met = budget.atLeast === true ? figure.value >= budget.limit : figure.value <= budget.limit
  return { ...figure, budget, met }
}
