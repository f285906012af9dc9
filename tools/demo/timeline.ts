import { followHistory, type Temporal } from './history.ts'
import type { Display } from './display.ts'
import { StepReader, type Step } from './steps.ts'

const NAME_WIDTH = 18

/** Prints what happens to one certificate, as it happens, with offsets from a moment of our choosing. */
export class Timeline {
  readonly #display: Display
  readonly #verbose: boolean
  readonly #reader = new StepReader()
  readonly #waiting = new Set<() => void>()
  #zero = 0
  #open = false

  constructor(display: Display, verbose: boolean) {
    this.#display = display
    this.#verbose = verbose
  }

  /** Begins to print; offsets count from `zero`, milliseconds since 1970. */
  open(zero: number): void {
    this.#zero = zero
    this.#open = true
    this.resume()
  }

  /** Hides the moving line, for as long as something else is printed. */
  pause(): void {
    this.#display.live(undefined)
  }

  resume(): void {
    this.#display.live(() => this.#underWay())
  }

  close(): void {
    this.#open = false
    this.pause()
  }

  /** Adds a line, if the timeline is open and the line is not about the time before. */
  readonly tell = (step: Step): void => {
    if (!this.#open || step.at < this.#zero || (step.tone === 'detail' && !this.#verbose)) return
    // Whoever renews it later wants to read the seconds from there.
    if (step.name === 'signal' && step.tone === 'note') this.#zero = step.at
    this.#display.print(this.#line(step))
  }

  /** Reads the certificate's workflow until the signal aborts. */
  async follow(temporal: Temporal, workflowId: string, signal: AbortSignal): Promise<void> {
    for await (const event of followHistory(temporal, workflowId, signal)) {
      const step = this.#reader.read(event)
      if (step !== undefined) this.tell(step)
      for (const look of this.#waiting) look()
    }
  }

  /** Resolves when the workflow has nothing to do but to wait, at the latest after `withinMs`. */
  async untilQuiet(withinMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = () => {
      if (
        this.#reader.running.length === 0 &&
        this.#reader.waiting.some((text) => text.startsWith('renew at'))
      )
        resolve()
    }
    const timer = setTimeout(resolve, withinMs)
    this.#waiting.add(look)
    look()
    await promise
    clearTimeout(timer)
    this.#waiting.delete(look)
  }

  #underWay(): string {
    const now = Date.now()
    const steps = this.#reader.running.map(({ name, text, at }) => `${name} ${text} ${duration(now - at)}`)
    const waits = this.#reader.waiting
    return (steps.length > 0 ? steps : waits).join(' · ')
  }

  #line({ at, name, text, ms, tone }: Step): string {
    const offset = `+${((at - this.#zero) / 1000).toFixed(2)} s`.padStart(9)
    const took = ms === undefined ? '' : duration(ms).padStart(8)
    const room = Math.max(20, this.#display.columns - offset.length - NAME_WIDTH - 13)
    // Only what is too long for the line is cut, and never a failure: its end is what to do.
    const shown = text.length > room && tone !== 'failure' ? `${text.slice(0, room - 1)}…` : text
    const style = { step: 'cyan', failure: 'red', note: 'yellow', detail: 'dim' } as const
    const label = this.#display.style(style[tone], name.padEnd(NAME_WIDTH))
    const body = shown.padEnd(took === '' ? 0 : room)
    return `${this.#display.style('dim', offset)}  ${label} ${tone === 'failure' ? this.#display.style('red', body) : body}${took}`
  }
}

function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`
}
