import { stripVTControlCharacters, styleText } from 'node:util'

export type Style = Parameters<typeof styleText>[0]

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const FRAME_MS = 100

/**
 * Lines that stay and, on a terminal, one moving line below them that tells what is under way. Elsewhere plain lines.
 * Colours follow the terminal, NO_COLOR and FORCE_COLOR.
 */
export class Display {
  readonly #stream: NodeJS.WriteStream
  #live: (() => string) | undefined
  #timer: NodeJS.Timeout | undefined
  #frame = 0

  constructor(stream: NodeJS.WriteStream = process.stdout) {
    this.#stream = stream
  }

  style(format: Style, text: string): string {
    return styleText(format, text, { stream: this.#stream })
  }

  get columns(): number {
    return this.#stream.isTTY ? Math.max(60, this.#stream.columns || 80) : 120
  }

  print(text = ''): void {
    this.#clear()
    this.#stream.write(`${text}\n`)
    this.#draw()
  }

  /** What the moving line says from now on; '' hides it. Asked again for every frame. */
  live(text: (() => string) | undefined): void {
    this.#clear()
    this.#live = this.#stream.isTTY ? text : undefined
    clearInterval(this.#timer)
    if (this.#live !== undefined) this.#timer = setInterval(() => this.#draw(), FRAME_MS).unref()
    this.#draw()
  }

  /** A step of the demo: a moving line while it lasts, then a mark, its outcome and its seconds. */
  async phase<T>(
    name: string,
    doing: string,
    work: () => Promise<T>,
    outcome: (result: T) => string,
  ): Promise<T> {
    const began = performance.now()
    this.live(() => `${name}: ${doing}… ${seconds(performance.now() - began)}`)
    try {
      const result = await work()
      this.live(undefined)
      this.done(name, outcome(result), performance.now() - began)
      return result
    } catch (error) {
      this.live(undefined)
      this.print(this.#phaseLine('red', '✗', name, `${doing} failed`, performance.now() - began))
      throw error
    }
  }

  /** The line of a step that went well. */
  done(name: string, outcome: string, ms: number): void {
    this.print(this.#phaseLine('green', '✓', name, outcome, ms))
  }

  close(): void {
    this.live(undefined)
  }

  #phaseLine(colour: 'green' | 'red', mark: string, name: string, text: string, ms: number): string {
    return `${this.style(colour, mark)} ${this.style('bold', name.padEnd(12))}${text} ${this.style('dim', `(${seconds(ms)})`)}`
  }

  #clear(): void {
    if (this.#live !== undefined) this.#stream.write('\r\u001b[K')
  }

  #draw(): void {
    const text = this.#live?.()
    if (text === undefined) return
    this.#clear()
    if (text === '') return
    const shown = stripVTControlCharacters(text).slice(0, this.columns - 3)
    this.#stream.write(`${this.style('cyan', frames[this.#frame++ % frames.length] ?? '')} ${shown}`)
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
