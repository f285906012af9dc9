import type { Certificate } from '../../k8s-bridge/api/certificate.ts'
import { isObjectName } from '../../k8s-bridge/api/fields.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import { resolveIssuer } from '../../workflows/domain/issuer-reference.ts'
import type { CertificateFacts } from '../../workflows/domain/x509-facts.ts'
import { encodePrivateKey, decodePrivateKey } from '../clients/x509.ts'
import type { ActivityDeps } from '../deps.ts'
import { CertloomError } from '../failure.ts'
import { FIELD_MANAGER_ISSUING, annotations, labels, type Secret } from '../objects.ts'

/** Secrets that break something else when a certificate is written over them. */
const FOREIGN_TYPES = [
  'kubernetes.io/service-account-token',
  'bootstrap.kubernetes.io/token',
  'kubernetes.io/dockercfg',
  'kubernetes.io/dockerconfigjson',
  'helm.sh/release.v1',
]

/** Refuses a target that belongs to something else: another Certificate, an account key, the cluster itself. */
export async function checkTarget(
  deps: ActivityDeps,
  certificate: Certificate,
  target: Secret | undefined,
): Promise<void> {
  if (target === undefined) return
  const { namespace = '', name } = certificate.metadata
  const secretName = certificate.spec.secretName
  if (FOREIGN_TYPES.includes(target.type ?? '')) {
    throw new CertloomError('SecretInUse', `Secret ${namespace}/${secretName} is of type ${target.type}`)
  }
  const owner = target.metadata.annotations?.[annotations.certificateName]
  if (owner !== undefined && owner !== '' && owner !== name) {
    if ((await secretNameOf(deps, namespace, owner)) === secretName) {
      throw new CertloomError(
        'SecretInUse',
        `Secret ${namespace}/${secretName} is the Secret of Certificate ${owner}`,
      )
    }
  }
  if (
    target.metadata.labels?.['app.kubernetes.io/managed-by'] === 'cert-manager' &&
    target.data?.['tls.crt'] === undefined
  ) {
    throw new CertloomError(
      'SecretInUse',
      `Secret ${namespace}/${secretName} holds the account key of an issuer`,
    )
  }
}

/**
 * The Secret that another Certificate asks for, undefined only where there is no such Certificate. Read as it is: one
 * that certloom refuses has a Secret all the same.
 */
async function secretNameOf({ kubernetes }: ActivityDeps, namespace: string, name: string): Promise<unknown> {
  if (!isObjectName(name)) return undefined
  const path = apiPath('Certificate', namespace, name)
  const found = await kubernetes.get<{ spec?: { secretName?: unknown } }>(path)
  return found?.spec?.secretName
}

export interface TargetContent {
  chainPem: string
  /** As the next key was stored, PKCS8. */
  keyPem: Buffer
  caPem?: Buffer
  facts: CertificateFacts
}

/**
 * Writes the target Secret by server-side apply under upstream's manager: what an earlier issuance set and this one
 * does not is taken away, what users added stays.
 */
export async function applyTarget(
  { kubernetes }: ActivityDeps,
  certificate: Certificate,
  target: Secret | undefined,
  content: TargetContent,
): Promise<Secret> {
  const { namespace } = certificate.metadata
  const { secretName, privateKey } = certificate.spec
  const keyPem = encodePrivateKey(decodePrivateKey(content.keyPem), privateKey?.encoding)
  const body = targetBody(certificate, target, { ...content, keyPem: Buffer.from(keyPem) })
  return kubernetes.apply<Secret>(apiPath('Secret', namespace, secretName), body, {
    fieldManager: FIELD_MANAGER_ISSUING,
    force: true,
  })
}

export interface TargetBody {
  metadata: { labels: Record<string, string>; annotations: Record<string, string> }
  data: Record<string, string>
}

/** Everything of the target Secret that is ours. */
export function targetBody(
  certificate: Certificate,
  target: Secret | undefined,
  { chainPem, keyPem, caPem, facts }: TargetContent,
): TargetBody {
  const { namespace, name } = certificate.metadata
  const { secretName, secretTemplate, additionalOutputFormats = [] } = certificate.spec
  const formats = additionalOutputFormats.map((format) => format.type)
  const data: Record<string, string> = { 'tls.crt': base64(chainPem), 'tls.key': keyPem.toString('base64') }
  if (caPem !== undefined) data['ca.crt'] = caPem.toString('base64')
  if (formats.includes('CombinedPEM')) data['tls-combined.pem'] = base64(`${keyPem.toString()}\n${chainPem}`)
  if (formats.includes('DER')) data['key.der'] = derOf(keyPem.toString())
  const body = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: secretName,
      namespace,
      labels: { ...secretTemplate?.labels, [labels.fao]: 'true' },
      annotations: { ...secretTemplate?.annotations, ...describing(name, certificate, facts) },
    },
    // The type cannot be changed: one that exists keeps its own.
    type: target?.type ?? 'kubernetes.io/tls',
    data,
  }
  return body
}

function describing(name: string, certificate: Certificate, facts: CertificateFacts): Record<string, string> {
  const { issuerRef } = certificate.spec
  const prefix = 'cert-manager.io/'
  const described: Record<string, string> = {
    [annotations.certificateName]: name,
    [`${prefix}issuer-name`]: issuerRef.name,
    [`${prefix}issuer-kind`]: resolveIssuer(issuerRef).kind,
    [`${prefix}issuer-group`]: issuerRef.group ?? '',
    [`${prefix}common-name`]: facts.commonName,
    [`${prefix}alt-names`]: facts.dnsNames.join(','),
    [`${prefix}ip-sans`]: facts.ipAddresses.join(','),
    [`${prefix}uri-sans`]: facts.uris.join(','),
  }
  const optional: Record<string, string | undefined> = {
    'email-sans': facts.emailAddresses.join(','),
    'subject-organizations': facts.subject.organizations?.join(','),
    'subject-organizationalunits': facts.subject.organizationalUnits?.join(','),
    'subject-countries': facts.subject.countries?.join(','),
    'subject-provinces': facts.subject.provinces?.join(','),
    'subject-localities': facts.subject.localities?.join(','),
    'subject-streetaddresses': facts.subject.streetAddresses?.join(','),
    'subject-postalcodes': facts.subject.postalCodes?.join(','),
    'subject-serialnumber': facts.subject.serialNumber,
  }
  for (const [key, value] of Object.entries(optional)) if (value) described[prefix + key] = value
  return described
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function derOf(pem: string): string {
  return pem.replace(/-----[^-]+-----/g, '').replace(/\s+/g, '')
}
