/** Who can end a failure, with the words in which messages name them; `nobody` where it ends by itself. */
export const actors = {
  'object owner': 'the owner of the object',
  'certificate owner': 'the owner of the Certificate',
  'issuer owner': 'the owner of the issuer',
  'cluster operator': 'the operator of the cluster',
  'DNS operator': 'the operator of the DNS zone',
  approver: 'whoever approves CertificateRequests',
  'external issuer': 'the operator of the external issuer',
  CA: 'the operator of the CA',
  developer: 'the makers of certloom',
  nobody: 'nobody',
} as const
export type Actor = keyof typeof actors
