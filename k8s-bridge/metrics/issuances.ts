import type { KeptCertificate } from '../kept.ts'

export interface Issuance {
  /** acme, ca, selfSigned …; `external` for an issuer of another group. */
  issuerType: string
  outcome: 'issued' | 'failed'
  seconds: number
}

/** Times issuances by what the API server shows: from the condition Issuing=True until it is gone. */
export class Issuances {
  readonly #typeOf: (issuer: string) => string
  readonly #ended: (issuance: Issuance) => void
  readonly #now: () => number
  /** When Issuing was first seen, in milliseconds, by uid. */
  readonly #began = new Map<string, number>()

  /** `now` in monotonic milliseconds. */
  constructor(
    typeOf: (issuer: string) => string,
    ended: (issuance: Issuance) => void,
    now: () => number = () => performance.now(),
  ) {
    this.#typeOf = typeOf
    this.#ended = ended
    this.#now = now
  }

  onUpdate(now: KeptCertificate, before: KeptCertificate): void {
    const { uid } = now.metadata
    if (before.issuing === '' && now.issuing !== '') this.#began.set(uid, this.#now())
    if (before.issuing === '' || now.issuing !== '') return
    const began = this.#began.get(uid)
    this.#began.delete(uid)
    if (began === undefined) return
    this.#ended({
      issuerType: now.issuer === '' ? 'external' : this.#typeOf(now.issuer) || 'unknown',
      outcome: now.failures > before.failures ? 'failed' : 'issued',
      seconds: (this.#now() - began) / 1000,
    })
  }

  onDelete({ metadata }: KeptCertificate): void {
    this.#began.delete(metadata.uid)
  }
}
