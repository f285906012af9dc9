import type { KeyObject } from 'node:crypto'
import type { SignedCertificate } from '../clients/x509.ts'
import type { ActivityDeps } from '../deps.ts'
import type { LiveIssuer } from './issuer.ts'

export interface SigningRequest {
  csrPem: string
  /** Key of the request: a selfSigned certificate is signed with it. */
  key: KeyObject
  durationSeconds: number
  isCA: boolean
  usages?: string[]
}

/** An issuer that signs in one step. */
export interface Signer {
  /** Throws what keeps the issuer from being Ready. Only reads. */
  check(deps: ActivityDeps, issuer: LiveIssuer): Promise<void>
  sign(deps: ActivityDeps, issuer: LiveIssuer, request: SigningRequest): Promise<SignedCertificate>
}
