import type { DesiredCertificate } from '../../workflows/domain/desired.ts'
import type { IssueInput } from '../../workflows/domain/issue-reasons.ts'
import type { CertificateFacts, KeyFacts, RequestFacts } from '../../workflows/domain/x509-facts.ts'

const names = {
  commonName: '',
  subject: {},
  subjectDer: '3000',
  dnsNames: ['example.com'],
  ipAddresses: [],
  uris: [],
  emailAddresses: [],
  otherNames: [],
}

export const keyFacts: KeyFacts = { algorithm: 'RSA', size: 2048, encoding: 'PKCS1', publicKeySha256: 'aa' }

export const requestFacts: RequestFacts = {
  ...names,
  publicKeySha256: 'aa',
  isCA: false,
  signatureValid: true,
}

/** Ninety days from 1 January 2026. */
export const certificateFacts: CertificateFacts = {
  ...names,
  publicKeySha256: 'aa',
  fingerprint: 'ff',
  serial: '1',
  issuerName: 'CN=ca',
  isCA: false,
  notBefore: '2026-01-01T00:00:00Z',
  notAfter: '2026-04-01T00:00:00Z',
}

export const desired: DesiredCertificate = {
  secretName: 'web-tls',
  issuerRef: { name: 'ca' },
  dnsNames: ['example.com'],
}

/** A certificate that is in order, seen on 1 February 2026. */
export const inOrder = {
  name: 'web',
  desired,
  now: Date.UTC(2026, 1, 1),
  secret: {
    hasData: true,
    hasKey: true,
    hasCertificate: true,
    key: keyFacts,
    certificate: certificateFacts,
    annotations: {
      'cert-manager.io/issuer-name': 'ca',
      'cert-manager.io/issuer-kind': 'Issuer',
      'cert-manager.io/issuer-group': 'cert-manager.io',
      'cert-manager.io/certificate-name': 'web',
    },
  },
  currentRequest: { facts: requestFacts, spec: { issuerRef: { name: 'ca' } } },
} satisfies IssueInput
