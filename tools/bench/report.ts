import { styleText } from 'node:util'
import type { Results, Verdict } from './results.ts'

const WIDTHS = { what: 58, value: 14, budget: 12, peer: 24 }

/** Lines of figures beside their budgets. Colours follow the terminal. */
export class Report {
  readonly #stream: NodeJS.WriteStream
  #scenario = ''

  constructor(stream: NodeJS.WriteStream = process.stdout) {
    this.#stream = stream
  }

  print(line = ''): void {
    this.#stream.write(`${line}\n`)
  }

  warn(line: string): void {
    this.print(this.#style('yellow', `! ${line}`))
  }

  figure(verdict: Verdict): void {
    if (verdict.scenario !== this.#scenario) this.#heading(verdict.scenario)
    const { budget, met, beside, what, value, unit } = verdict
    const limit =
      budget === undefined ? '' : `${budget.atLeast === true ? '≥' : '≤'} ${shown(budget.limit, unit)}`
    const judged = met === undefined ? '' : met ? this.#style('green', 'met') : this.#style('red', 'not met')
    const cells = [
      what.padEnd(WIDTHS.what),
      shown(value, unit).padStart(WIDTHS.value),
      limit.padStart(WIDTHS.budget),
      judged,
    ]
    const more = [beside, budget?.peer === undefined ? undefined : `cert-manager: ${budget.peer}`]
    const tail = more.filter((one) => one !== undefined).join('; ')
    this.print(`${cells.join('  ')}${tail === '' ? '' : `  ${this.#style('dim', tail)}`}`)
  }

  list(title: string, lines: readonly string[]): void {
    this.print(this.#style('dim', `    ${title}:`))
    for (const line of lines) this.print(this.#style('dim', `      ${line}`))
  }

  /** What was missed, once more at the end, and how many were met. */
  summary(results: Results): void {
    const judged = results.figures.filter(({ met }) => met !== undefined)
    const missed = results.missed()
    this.#heading('budgets')
    this.print(`${judged.length - missed.length} of ${judged.length} met`)
    for (const verdict of missed) this.figure({ ...verdict, scenario: 'budgets' })
    for (const warning of results.warnings) this.warn(warning)
  }

  #heading(scenario: string): void {
    this.#scenario = scenario
    this.print(`\n${this.#style('bold', scenario)}`)
  }

  #style(format: 'bold' | 'dim' | 'red' | 'green' | 'yellow', text: string): string {
    return styleText(format, text, { stream: this.#stream })
  }
}

function shown(value: number, unit: string): string {
  const digits = Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return `${value.toFixed(digits)}${unit === '' ? '' : ` ${unit}`}`
}
