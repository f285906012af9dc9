/** Growing pauses in milliseconds: `base`, doubled each time up to `max`, each shortened by up to half at random. */
export class Backoff {
  readonly #base: number
  readonly #max: number
  readonly #random: () => number
  #failures = 0

  constructor(base: number, max: number, random: () => number = Math.random) {
    this.#base = base
    this.#max = max
    this.#random = random
  }

  next(): number {
    const full = Math.min(this.#max, this.#base * 2 ** Math.min(this.#failures++, 30))
    return full * (1 - this.#random() / 2)
  }

  reset(): void {
    this.#failures = 0
  }
}
