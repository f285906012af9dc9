import { CertloomError } from '../../failure.ts'
import type { AcmeSession } from './session.ts'

/** An order is refused for its profile only on the word of a directory younger than this, in milliseconds. */
const FRESH_MS = 60_000

/** A client must not ask for a profile that the directory does not offer (ACME profiles extension, section 4). */
export async function checkProfile(session: AcmeSession, profile: string): Promise<void> {
  let offered: Readonly<Record<string, string>> = {}
  for (const maxAgeMs of [undefined, FRESH_MS]) {
    offered = (await session.directory(maxAgeMs)).meta.profiles ?? {}
    if (Object.hasOwn(offered, profile)) return
  }
  const names = Object.keys(offered)
  const offer = names.length === 0 ? 'the server offers none' : `the server offers ${names.join(', ')}`
  throw new CertloomError('OrderRejected', `profile ${profile} is unknown: ${offer}`)
}
