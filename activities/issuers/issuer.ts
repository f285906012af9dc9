import { clusterIssuer } from '../../k8s-bridge/api/cluster-issuer.ts'
import { issuer as issuerSchema, type Issuer } from '../../k8s-bridge/api/issuer.ts'
import { issuerTypes, type IssuerType } from '../../k8s-bridge/api/issuer/spec.ts'
import { describeIssues } from '../../k8s-bridge/api/issues.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import type { IssuerReference } from '../../workflows/domain/desired.ts'
import { builtInGroup, resolveIssuer } from '../../workflows/domain/issuer-reference.ts'
import type { Kubernetes } from '../clients/kubernetes.ts'
import type { ActivityDeps } from '../deps.ts'
import { CertloomError } from '../failure.ts'
import { secretBytes, type Secret } from '../objects.ts'
import { noteFacts } from '../step-log.ts'

export interface IssuerName {
  kind: 'Issuer' | 'ClusterIssuer'
  /** Empty for a ClusterIssuer. */
  namespace: string
  name: string
}

/** A built-in issuer, read live, with the namespace that its Secrets are in. */
export interface LiveIssuer extends IssuerName {
  object: Issuer
  type: IssuerType
  secretNamespace: string
  /** A namespaced Issuer's addresses are a tenant's word. */
  policy: 'namespaced' | 'cluster'
}

/** Undefined where another controller serves the issuer's group. */
export function builtInIssuer(reference: IssuerReference, namespace: string): IssuerName | undefined {
  const { kind, name, group } = resolveIssuer(reference)
  if (group !== builtInGroup) return undefined
  if (kind !== 'Issuer' && kind !== 'ClusterIssuer') {
    throw new CertloomError(
      'UnknownIssuerKind',
      `spec.issuerRef.kind: "${kind}" is neither Issuer nor ClusterIssuer`,
    )
  }
  return { kind, name, namespace: kind === 'Issuer' ? namespace : '' }
}

export function describeIssuerName({ kind, namespace, name }: IssuerName): string {
  return kind === 'Issuer' ? `Issuer ${namespace}/${name}` : `ClusterIssuer ${name}`
}

export function issuerPath({ kind, namespace, name }: IssuerName, subresource?: string): string {
  return apiPath(kind, kind === 'Issuer' ? namespace : undefined, name, subresource)
}

export async function readIssuer(deps: ActivityDeps, issuer: IssuerName): Promise<LiveIssuer | undefined> {
  const found = await deps.kubernetes.get<unknown>(issuerPath(issuer))
  if (found === undefined) return undefined
  const parsed = (issuer.kind === 'Issuer' ? issuerSchema : clusterIssuer).safeParse(found)
  if (!parsed.success)
    throw new CertloomError('InvalidSpec', `${describeIssuerName(issuer)}: ${describeIssues(parsed.error)}`)
  const object: Issuer = parsed.data
  const types = issuerTypes.filter((type) => object.spec[type] !== undefined)
  const [type] = types
  if (type === undefined || types.length > 1) {
    const text = `${describeIssuerName(issuer)}: spec needs exactly one of ${issuerTypes.join(', ')}`
    throw new CertloomError('InvalidSpec', text)
  }
  noteFacts({ issuerType: type })
  return {
    ...issuer,
    object,
    type,
    secretNamespace: issuer.kind === 'Issuer' ? issuer.namespace : deps.settings.clusterResourceNamespace,
    policy: issuer.kind === 'Issuer' ? 'namespaced' : 'cluster',
  }
}

/** The issuer that a Certificate asks for, provided that it can be used now. */
export async function requireReadyIssuer(deps: ActivityDeps, issuer: IssuerName): Promise<LiveIssuer> {
  const live = await readIssuer(deps, issuer)
  if (live === undefined) {
    throw new CertloomError(
      'IssuerNotFound',
      `Referenced "${issuer.kind}" not found: ${describeIssuerName(issuer)}`,
    )
  }
  const ready = live.object.status?.conditions?.find((condition) => condition.type === 'Ready')
  if (ready === undefined || (ready.observedGeneration ?? 0) < (live.object.metadata.generation ?? 0)) {
    throw new CertloomError('IssuerPending', `${describeIssuerName(issuer)} has not been verified yet`)
  }
  if (ready.status !== 'True') {
    const why = ready.message ?? ready.reason ?? ''
    throw new CertloomError('IssuerNotReady', `${describeIssuerName(issuer)} is not ready: ${why}`)
  }
  return live
}

export async function readSecretKey(
  kubernetes: Kubernetes,
  { key, ...ref }: { namespace: string; name: string; key: string },
): Promise<Buffer> {
  return (await readSecretKeys(kubernetes, ref))(key)
}

/** One reading of a Secret, for those who need several keys that belong together. */
export async function readSecretKeys(
  kubernetes: Kubernetes,
  { namespace, name }: { namespace: string; name: string },
): Promise<(key: string) => Buffer> {
  const secret = await kubernetes.get<Secret>(apiPath('Secret', namespace, name))
  if (secret === undefined)
    throw new CertloomError('SecretNotFound', `Secret ${namespace}/${name} does not exist`)
  return (key) => {
    const bytes = secretBytes(secret, key)
    if (bytes === undefined)
      throw new CertloomError('SecretKeyMissing', `Secret ${namespace}/${name} has no key "${key}"`)
    return bytes
  }
}
