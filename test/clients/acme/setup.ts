import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { acmeClient, type AcmeClient } from '../../../activities/clients/acme.ts'
import { CertloomError } from '../../../activities/failure.ts'
import { countingSender, type CountingSender } from './counting-sender.ts'
import type { TinyCa } from './tiny-ca.ts'

export const NOW = Date.parse('2026-03-01T12:00:00Z')
export const accountKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

/** A client of the tiny CA with a clock that stands still, its account known already unless asked otherwise. */
export async function clientOf(
  ca: TinyCa,
  options: { registered?: boolean; now?: () => number } = {},
): Promise<AcmeClient & { http: CountingSender }> {
  const http = countingSender()
  const now = options.now ?? (() => NOW)
  const client = acmeClient({ server: ca.server, accountKey, http, userAgent: 'certloom/test', now })
  if (options.registered !== false) await client.register({})
  return { ...client, http }
}

export async function failureOf(promise: Promise<unknown>): Promise<CertloomError> {
  try {
    await promise
  } catch (error) {
    assert.ok(error instanceof CertloomError, `expected a CertloomError, got ${String(error)}`)
    return error
  }
  assert.fail('it succeeded')
}
