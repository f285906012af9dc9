import { readFileSync, statSync } from 'node:fs'
import { knownSecrets } from '../../activities/secrets/known-secrets.ts'

/** How often, at the most, the file is looked at for a change, in milliseconds. */
const LOOK_MS = 1_000
const KEY_BYTES = 32

export interface PayloadKey {
  id: string
  /** 32 bytes, for AES-256. */
  bytes: Buffer
}

/**
 * The keys of the payload codec, from a file with one key a line: `<id> <base64 of 32 bytes>`; empty lines and lines
 * that begin with # do not count. The first key encrypts, all decrypt. A changed file is read again without a restart;
 * where the new one cannot be used, the keys that were there stay, and `onProblem` hears why.
 */
export class PayloadKeys {
  readonly #file: string
  readonly #onProblem: (problem: string) => void
  #keys: readonly PayloadKey[]
  #version: string
  #lookedAt = performance.now()

  /** @throws Error that names the file, the line and what is expected */
  constructor(file: string, onProblem: (problem: string) => void) {
    this.#file = file
    this.#onProblem = onProblem
    this.#version = versionOf(file)
    this.#keys = readKeys(file)
  }

  get file(): string {
    return this.#file
  }

  get first(): PayloadKey {
    this.#look()
    const [first] = this.#keys
    if (first === undefined) throw new Error(`${this.#file} holds no key`)
    return first
  }

  find(id: string): PayloadKey | undefined {
    const find = () => this.#keys.find((key) => key.id === id)
    this.#look()
    const found = find()
    if (found !== undefined) return found
    // A key that another process has encrypted with already may have arrived in this very second.
    this.#lookedAt = -LOOK_MS
    this.#look()
    return find()
  }

  get ids(): string[] {
    return this.#keys.map(({ id }) => id)
  }

  #look(): void {
    if (performance.now() - this.#lookedAt < LOOK_MS) return
    this.#lookedAt = performance.now()
    try {
      const version = versionOf(this.#file)
      if (version === this.#version) return
      this.#version = version
      this.#keys = readKeys(this.#file)
    } catch (error) {
      this.#onProblem(error instanceof Error ? error.message : String(error))
    }
  }
}

/** A mounted Secret changes by a new link, an edited file by its time. */
function versionOf(file: string): string {
  try {
    const { ino, mtimeNs, size } = statSync(file, { bigint: true })
    return `${ino}/${mtimeNs}/${size}`
  } catch (error) {
    throw unusable(file, `cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

function readKeys(file: string): PayloadKey[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw unusable(file, `cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
  const keys: PayloadKey[] = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue
    const key = parseLine(line, (problem) => unusable(file, `line ${index + 1} ${problem}`))
    if (keys.some(({ id }) => id === key.id))
      throw unusable(file, `line ${index + 1} repeats the id "${key.id}"`)
    keys.push(key)
  }
  if (keys.length === 0) throw unusable(file, 'holds no key')
  for (const { bytes } of keys) knownSecrets.add(bytes, { pinned: true })
  return keys
}

/** Messages hold the number of the line and at most the id: what stands where the key should be may be one. */
function parseLine(line: string, wrong: (problem: string) => Error): PayloadKey {
  const [id = '', base64 = '', ...more] = line.trim().split(/\s+/)
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(id)) {
    throw wrong('does not begin with an id of at most 64 letters, digits, ".", "_" and "-"')
  }
  if (more.length > 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw wrong('is not "<id> <base64>"')
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.length !== KEY_BYTES)
    throw wrong(`has a key of ${bytes.length} bytes where ${KEY_BYTES} are needed`)
  return { id, bytes }
}

function unusable(file: string, problem: string): Error {
  return new Error(
    `the payload keys file ${file} ${problem}: write one key a line, "<id> <base64 of ${KEY_BYTES} bytes>", as openssl rand -base64 ${KEY_BYTES} makes it`,
  )
}
