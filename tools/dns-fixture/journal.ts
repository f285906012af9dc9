import { closeSync, openSync, writeSync } from 'node:fs'

export type ServerName = 'auth1' | 'auth2' | 'resolver'

export type Entry =
  | {
      kind: 'query'
      server: ServerName
      transport: 'udp' | 'tcp'
      /** Port of the client. */
      port: number
      name: string
      type: string
      /** `NOERROR`, `NXDOMAIN` …; `none` when the server kept silent. */
      result: string
      /** Data of the answer records, aliases included, as text. */
      answers: string[]
    }
  | { kind: 'change'; op: string; [field: string]: unknown }

/** An entry with its number, counted from 1, and its time: RFC 3339 with milliseconds. */
export type Logged = { seq: number; time: string } & Entry

const KEPT = 100_000

/** Every query and every change, in order: kept for `GET /log` and, when a file is named, appended to it as JSONL. */
export class Journal {
  readonly #file: number | undefined
  #entries: Logged[] = []
  #seq = 0

  constructor(file?: string) {
    this.#file = file === undefined ? undefined : openSync(file, 'a')
  }

  add(entry: Entry): Logged {
    const logged: Logged = { seq: ++this.#seq, time: new Date().toISOString(), ...entry }
    this.#entries.push(logged)
    if (this.#entries.length > KEPT) this.#entries = this.#entries.slice(-KEPT / 2)
    // At once, so that the log of a killed fixture is complete.
    if (this.#file !== undefined) writeSync(this.#file, JSON.stringify(logged) + '\n')
    return logged
  }

  after(seq: number): Logged[] {
    return this.#entries.filter((entry) => entry.seq > seq)
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
  }
}
