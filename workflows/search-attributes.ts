import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common'

/** Search attributes of certloom; `certloom setup` registers them. Names are frozen: saved views ask for them. */
export const searchAttributes = {
  namespace: defineSearchAttributeKey('CertNamespace', SearchAttributeType.KEYWORD),
  name: defineSearchAttributeKey('CertName', SearchAttributeType.KEYWORD),
  issuer: defineSearchAttributeKey('CertIssuer', SearchAttributeType.KEYWORD),
  phase: defineSearchAttributeKey('CertPhase', SearchAttributeType.KEYWORD),
  errorType: defineSearchAttributeKey('CertErrorType', SearchAttributeType.KEYWORD),
  solver: defineSearchAttributeKey('CertSolver', SearchAttributeType.KEYWORD),
  dnsNames: defineSearchAttributeKey('CertDnsNames', SearchAttributeType.KEYWORD_LIST),
  notAfter: defineSearchAttributeKey('CertNotAfter', SearchAttributeType.DATETIME),
  nextRenewal: defineSearchAttributeKey('CertNextRenewal', SearchAttributeType.DATETIME),
  failures: defineSearchAttributeKey('CertFailures', SearchAttributeType.INT),
  revision: defineSearchAttributeKey('CertRevision', SearchAttributeType.INT),
  paused: defineSearchAttributeKey('CertPaused', SearchAttributeType.BOOL),
} as const
