import { problems } from '../../workflows/domain/validate-certificate.ts'
import { whyUnfit } from '../../workflows/domain/unfit-reasons.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import { parseCertificate } from '../clients/x509.ts'
import type { ActivityDeps } from '../deps.ts'
import { FIELD_MANAGER_ISSUING, annotations, secretBytes, type Secret } from '../objects.ts'
import { checkTarget, targetBody, type TargetBody } from './target-secret.ts'
import { issueInput, type CertificateView } from './view.ts'

/** What our own body lacks, but the Secret of an earlier controller may hold and a Certificate still asks for. */
const KEYSTORES = ['keystore.p12', 'truststore.p12', 'keystore.jks', 'truststore.jks']
const ISSUER = ['issuer-name', 'issuer-kind', 'issuer-group'].map((part) => `cert-manager.io/${part}`)

/**
 * Whether labels, annotations or output formats of the target Secret are other than the Certificate asks: cert-manager
 * keeps them right without a new certificate. Only where that certificate is the one wanted and nothing is under way.
 */
export function secretStale(view: CertificateView, now: number): boolean {
  const { certificate, secret } = view
  const body = bodyToKeep(view, now)
  if (secret === undefined || body === undefined) return false
  const { metadata, data = {} } = secret
  const { labels, annotations: described } = body.metadata
  if (differs(labels, metadata.labels) || differs(described, metadata.annotations)) return true
  if (differs(body.data, data)) return true
  const owned = ownedFields(secret)
  const wanted = [...Object.keys(labels), ...Object.keys(described), ...Object.keys(body.data)]
  return certificate.spec.secretName === metadata.name && owned.some((field) => !wanted.includes(field))
}

/** Writes it so; a second run changes nothing. */
export async function keepSecret(
  deps: ActivityDeps,
  view: CertificateView,
  now: number,
): Promise<Secret | undefined> {
  const { certificate, secret } = view
  const body = secretStale(view, now) ? bodyToKeep(view, now) : undefined
  if (body === undefined) return secret
  await checkTarget(deps, certificate, secret)
  const path = apiPath('Secret', certificate.metadata.namespace, certificate.spec.secretName)
  return deps.kubernetes.apply<Secret>(path, body, { fieldManager: FIELD_MANAGER_ISSUING, force: true })
}

function bodyToKeep(view: CertificateView, now: number): TargetBody | undefined {
  const { certificate, secret } = view
  const { metadata, spec, status } = certificate
  if (secret === undefined || metadata.deletionTimestamp !== undefined) return undefined
  if (metadata.annotations?.[annotations.paused] === 'true' || status?.nextPrivateKeySecretName !== undefined)
    return undefined
  if (problems(spec).length > 0 || whyUnfit(issueInput(view, now)) !== undefined) return undefined
  const [chain, keyPem] = [secretBytes(secret, 'tls.crt'), secretBytes(secret, 'tls.key')]
  if (chain === undefined || keyPem === undefined) return undefined
  const chainPem = chain.toString()
  const caPem = secretBytes(secret, 'ca.crt')
  const body = targetBody(certificate, secret, { chainPem, keyPem, caPem, facts: parseCertificate(chainPem) })
  // The issuer was found to be the same: how it is spelt does not matter, and a cluster that is taken over stays as it is.
  const present = secret.metadata.annotations ?? {}
  for (const name of ISSUER) if (present[name] !== undefined) body.metadata.annotations[name] = present[name]
  if (spec.keystores !== undefined) {
    for (const name of KEYSTORES) if (secret.data?.[name] !== undefined) body.data[name] = secret.data[name]
  }
  return body
}

function differs(wanted: Record<string, string>, found: Record<string, string> = {}): boolean {
  return Object.entries(wanted).some(([key, value]) => found[key] !== value)
}

/** Labels, annotations and data that were applied as ours. */
function ownedFields({ metadata }: Secret): string[] {
  const found: string[] = []
  for (const { manager, operation, fieldsV1 } of metadata.managedFields ?? []) {
    if (manager !== FIELD_MANAGER_ISSUING || operation !== 'Apply') continue
    const { 'f:metadata': meta = {}, 'f:data': data = {} } = (fieldsV1 ?? {}) as Fields
    for (const fields of [meta['f:labels'], meta['f:annotations'], data]) {
      found.push(
        ...Object.keys(fields ?? {})
          .filter((key) => key.startsWith('f:'))
          .map((key) => key.slice(2)),
      )
    }
  }
  return found
}

interface Fields {
  'f:metadata'?: Record<string, Record<string, unknown> | undefined>
  'f:data'?: Record<string, unknown>
}
