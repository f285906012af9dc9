import { createHash } from 'node:crypto'
import { CertloomError } from '../../failure.ts'

/** The charset of a token, RFC 8555 8; the length bound is ours (the field sends 43 characters). */
export const tokenPattern = /^[A-Za-z0-9_-]{1,512}$/

/** The key authorization, RFC 8555 8.1: what http-01 serves. */
export function keyAuthorization(token: string, thumbprint: string): string {
  if (!tokenPattern.test(token)) {
    throw new CertloomError('CaInternal', 'challenge: token: not a base64url token (RFC 8555 8)')
  }
  return `${token}.${thumbprint}`
}

/** The TXT value at `_acme-challenge.<name>`, RFC 8555 8.4. */
export function dns01Value(token: string, thumbprint: string): string {
  return createHash('sha256').update(keyAuthorization(token, thumbprint)).digest('base64url')
}
