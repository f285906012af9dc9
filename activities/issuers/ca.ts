import type { IssuerPair } from '../clients/x509.ts'
import { X509Error, checkIssuerPair, decodePrivateKey, signRequest } from '../clients/x509.ts'
import type { ActivityDeps } from '../deps.ts'
import { CertloomError } from '../failure.ts'
import { readSecretKeys, type LiveIssuer } from './issuer.ts'
import type { Signer } from './signer.ts'

/** Signs with the certificate and key of a Secret. */
export const ca: Signer = {
  async check(deps, issuer) {
    const pair = await issuerPair(deps, issuer)
    named(issuer, () => checkIssuerPair(pair, new Date()))
  },
  async sign(deps, issuer, { csrPem, key: _key, ...order }) {
    const { crlDistributionPoints, ocspServers, issuingCertificateURLs } = issuer.object.spec.ca ?? {}
    const pair = await issuerPair(deps, issuer)
    return signRequest({
      ...order,
      csrPem,
      issuer: { kind: 'ca', ...pair },
      crlDistributionPoints,
      ocspServers,
      issuingCertificateURLs,
      now: new Date(),
    })
  },
}

async function issuerPair({ kubernetes }: ActivityDeps, issuer: LiveIssuer): Promise<IssuerPair> {
  const ref = { namespace: issuer.secretNamespace, name: secretName(issuer) }
  // In one reading: a pair that is being replaced must not be read half old and half new.
  const bytesOf = await readSecretKeys(kubernetes, ref)
  const certificatePem = bytesOf('tls.crt')
  const key = bytesOf('tls.key')
  return { certificatePem, key: named(issuer, () => decodePrivateKey(key)) }
}

function secretName(issuer: LiveIssuer): string {
  return issuer.object.spec.ca?.secretName ?? ''
}

function named<T>(issuer: LiveIssuer, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof X509Error) && !(error instanceof CertloomError)) throw error
    const text = error instanceof CertloomError ? error.failure.message : error.message
    throw new CertloomError(
      'SecretInvalid',
      `Secret ${issuer.secretNamespace}/${secretName(issuer)}: ${text}`,
    )
  }
}
