import {
  decodePrivateKey,
  encodePrivateKey,
  generatePrivateKey,
  publicKeySha256,
  X509Error,
} from '../clients/x509.ts'
import type { AcmeClient, AcmeServer } from '../clients/acme.ts'
import { isStatus } from '../clients/kubernetes.ts'
import type { AcmeIssuer } from '../../k8s-bridge/api/issuer/acme.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import type { ActivityDeps } from '../deps.ts'
import { CertloomError } from '../failure.ts'
import { readSecretKey, type LiveIssuer } from '../issuers/issuer.ts'
import { learnMacKey } from './external-account.ts'

const DEFAULT_KEY = 'tls.key'

export function acmeSpec(issuer: LiveIssuer): AcmeIssuer {
  const { acme } = issuer.object.spec
  if (acme === undefined)
    throw new CertloomError('InvalidSpec', `${issuer.kind} ${issuer.name}: spec.acme is gone`)
  return acme
}

function serverOf(issuer: LiveIssuer): AcmeServer {
  const { server, caBundle, skipTLSVerify } = acmeSpec(issuer)
  return {
    directoryUrl: server,
    caPem: caBundle === undefined ? undefined : Buffer.from(caBundle, 'base64').toString(),
    skipTlsVerify: skipTLSVerify,
    policy: issuer.policy,
  }
}

/** The account of an issuer. The key is read at each use: whoever replaces the Secret means it. */
export async function acmeAccount(
  deps: ActivityDeps,
  issuer: LiveIssuer,
): Promise<AcmeClient & { keyHash: string }> {
  const { privateKeySecretRef: ref } = acmeSpec(issuer)
  const place = { namespace: issuer.secretNamespace, name: ref.name, key: ref.key || DEFAULT_KEY }
  const [pem] = await Promise.all([readSecretKey(deps.kubernetes, place), learnMacKey(deps, issuer)])
  try {
    const accountKey = decodePrivateKey(pem)
    const keyHash = publicKeySha256(accountKey)
    const registered = issuer.object.status?.acme
    // An account URL counts only for the key that it was registered with.
    const accountUrl = registered?.lastPrivateKeyHash === keyHash ? registered.uri : undefined
    const client = deps.acme.client({
      server: serverOf(issuer),
      accountKey,
      accountUrl: accountUrl || undefined,
    })
    return { ...client, keyHash }
  } catch (error) {
    if (!(error instanceof X509Error)) throw error
    throw new CertloomError(
      'SecretInvalid',
      `account key in Secret ${place.namespace}/${place.name}: ${error.message}`,
    )
  }
}

/** Makes the account key where it is missing, unless the issuer forbids it. Two at once: the first one stays. */
export async function ensureAccountKey(deps: ActivityDeps, issuer: LiveIssuer): Promise<void> {
  const { privateKeySecretRef: ref, disableAccountKeyGeneration } = acmeSpec(issuer)
  const path = apiPath('Secret', issuer.secretNamespace, ref.name)
  if (disableAccountKeyGeneration === true || (await deps.kubernetes.get(path)) !== undefined) return
  const key = await generatePrivateKey({ algorithm: 'RSA', size: 2048 })
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: ref.name,
      namespace: issuer.secretNamespace,
      labels: { 'app.kubernetes.io/managed-by': 'cert-manager' },
    },
    type: 'Opaque',
    data: { [ref.key || DEFAULT_KEY]: Buffer.from(encodePrivateKey(key, 'PKCS1')).toString('base64') },
  }
  try {
    await deps.kubernetes.create(apiPath('Secret', issuer.secretNamespace), secret)
  } catch (error) {
    if (!isStatus(error, 409)) throw error
  }
}
