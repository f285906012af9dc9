import type { AcmeIssuer } from '../../k8s-bridge/api/issuer/acme.ts'
import type { ActivityDeps } from '../deps.ts'
import { CertloomError } from '../failure.ts'
import { readSecretKey, type LiveIssuer } from '../issuers/issuer.ts'
import { knownSecrets } from '../secrets/known-secrets.ts'

type ExternalAccount = NonNullable<AcmeIssuer['externalAccountBinding']>

/**
 * The MAC key of an external account binding (RFC 8555 7.3.4), base64url in its Secret. From now on this process knows
 * it wherever a text repeats it.
 * @throws CertloomError SecretNotFound, SecretKeyMissing; SecretInvalid where it is not base64url
 */
export async function readMacKey(
  deps: ActivityDeps,
  issuer: LiveIssuer,
  { keySecretRef }: ExternalAccount,
): Promise<Buffer> {
  const ref = { namespace: issuer.secretNamespace, name: keySecretRef.name, key: keySecretRef.key ?? '' }
  const text = (await readSecretKey(deps.kubernetes, ref)).toString().trim()
  if (!/^[A-Za-z0-9_-]+=*$/.test(text)) {
    throw new CertloomError(
      'SecretInvalid',
      `Secret ${ref.namespace}/${ref.name}, key ${ref.key}: the MAC key must be base64url`,
    )
  }
  const key = Buffer.from(text, 'base64url')
  for (const form of [text, key]) knownSecrets.add(form)
  return key
}

/**
 * For a process that did not register the account itself: a CA may repeat the key in any later answer. One that cannot
 * be read any more, whatever the reason, keeps nobody from using the account.
 */
export async function learnMacKey(deps: ActivityDeps, issuer: LiveIssuer): Promise<void> {
  const binding = issuer.object.spec.acme?.externalAccountBinding
  if (binding !== undefined) await readMacKey(deps, issuer, binding).catch(() => undefined)
}
