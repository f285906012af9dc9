import type { IssuerType } from '../../k8s-bridge/api/issuer/spec.ts'
import { ca } from './ca.ts'
import { selfSigned } from './self-signed.ts'
import type { Signer } from './signer.ts'

/** The issuers that sign in one step, by their key in the Issuer's spec. */
export const signers: Partial<Record<IssuerType, Signer>> = { ca, selfSigned }
