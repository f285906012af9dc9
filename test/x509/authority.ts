import type { KeyObject } from 'node:crypto'
import { createRequest, generatePrivateKey, signRequest } from '../../activities/clients/x509.ts'
import type { DesiredCertificate } from '../../workflows/domain/desired.ts'

export const now = new Date('2026-03-01T12:00:00Z')
export const day = 86_400

export interface Authority {
  /** The CA's certificate, then its issuers. */
  chain: string
  certificate: string
  key: KeyObject
}

/** A Certificate's spec with the required fields filled in. */
export function desired(spec: Partial<DesiredCertificate>): DesiredCertificate {
  return { secretName: 'tls', issuerRef: { name: 'ca' }, ...spec }
}

export interface AuthorityOptions {
  spec?: Partial<DesiredCertificate>
  from?: Date
  days?: number
}

/** A self-signed root. */
export async function root(
  commonName: string,
  { spec = {}, from = now, days = 3650 }: AuthorityOptions = {},
): Promise<Authority> {
  const key = await generatePrivateKey(spec.privateKey ?? { algorithm: 'ECDSA' })
  const csrPem = await createRequest(desired({ commonName, isCA: true, ...spec }), key)
  const signed = await signRequest({
    csrPem,
    issuer: { kind: 'selfSigned', key },
    durationSeconds: days * day,
    isCA: true,
    usages: spec.usages,
    now: from,
  })
  return { chain: signed.certificatePem, certificate: signed.certificatePem, key }
}

/** A CA below another. */
export async function intermediate(
  parent: Authority,
  commonName: string,
  { spec = {}, from = now, days = 1000 }: AuthorityOptions = {},
): Promise<Authority> {
  const key = await generatePrivateKey(spec.privateKey ?? { algorithm: 'ECDSA' })
  const csrPem = await createRequest(desired({ commonName, isCA: true, ...spec }), key)
  const { certificatePem } = await signRequest({
    csrPem,
    issuer: { kind: 'ca', certificatePem: parent.chain, key: parent.key },
    durationSeconds: days * day,
    isCA: true,
    usages: spec.usages,
    now: from,
  })
  return { chain: certificatePem + parent.chain, certificate: certificatePem, key }
}

/** A leaf for these names. */
export async function leaf(
  parent: Authority,
  spec: Partial<DesiredCertificate>,
  { from = now, days = 90 } = {},
) {
  const key = await generatePrivateKey({ algorithm: 'ECDSA' })
  const csrPem = await createRequest(desired(spec), key)
  const signed = await signRequest({
    csrPem,
    issuer: { kind: 'ca', certificatePem: parent.chain, key: parent.key },
    durationSeconds: days * day,
    isCA: false,
    usages: spec.usages,
    now: from,
  })
  return { ...signed, csrPem, key }
}
