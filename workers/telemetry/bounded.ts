/**
 * Label values that come from outside, such as the hosts that issuers name: the first `most` have series of their own,
 * whatever comes after them is `other`. So nobody can fill the memory of Prometheus with names.
 */
export class BoundedLabel {
  readonly #most: number
  readonly #seen = new Set<string>()

  constructor(most: number) {
    this.#most = most
  }

  of(value: string): string {
    if (this.#seen.has(value)) return value
    if (this.#seen.size >= this.#most) return 'other'
    this.#seen.add(value)
    return value
  }
}
