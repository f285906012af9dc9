import type { Certificate } from '../../k8s-bridge/api/certificate.ts'
import type { CertificateRequest } from '../../k8s-bridge/api/certificate-request.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import type { PrepareInput, Prepared } from '../../workflows/activities.ts'
import { describeIssuer } from '../../workflows/domain/issuer-reference.ts'
import { durationSeconds } from '../../workflows/domain/lifetime.ts'
import { pack } from '../../workflows/domain/packed.ts'
import { problems } from '../../workflows/domain/validate-certificate.ts'
import { claimsOf } from '../acme/claims.ts'
import { checkOrderable } from '../acme/orderable.ts'
import type { RecordReference } from '../../workflows/messages.ts'
import type { ActivityDeps } from '../deps.ts'
import type { Events } from '../events.ts'
import { CertloomError } from '../failure.ts'
import { awaitReadyIssuer } from '../issuers/await-issuer.ts'
import { builtInIssuer, type LiveIssuer } from '../issuers/issuer.ts'
import { signers } from '../issuers/signers.ts'
import { secretBytes, type Secret } from '../objects.ts'
import { Stopwatch } from '../stopwatch.ts'
import { knownFacts } from './known.ts'
import {
  APPROVED,
  ISSUED,
  conditionOf,
  ensureRequest,
  isFailed,
  refusal,
  requestNameOf,
  writeRequestStatus,
} from './request.ts'
import { writeStatus } from './status.ts'
import { checkTarget } from './target-secret.ts'
import { createNextKey, takeNextKey, temporarySecretName, type NextKey } from './temporary-key.ts'
import { requestDigest, requireCertificate } from './view.ts'

/**
 * Gets everything ready for the CA: Issuing condition, next key, CertificateRequest, approval; a one-step issuer signs
 * here as well. What could keep the issuance from working is found before anything is ordered.
 *
 * A second run is harmless: key and request are looked up by the names of the attempt and taken as they are.
 */
export async function prepare(deps: ActivityDeps, input: PrepareInput, events: Events): Promise<Prepared> {
  const { kubernetes } = deps
  const watch = new Stopwatch()
  const seen = await requireCertificate(kubernetes, input.certificate)
  const revision = (seen.status?.revision ?? 0) + 1
  const { issuer, target } = await watch.time('check', () => ready(deps, seen))

  const temporary = seen.status?.nextPrivateKeySecretName
  let next = temporary === undefined ? undefined : await takeNextKey(kubernetes, seen, temporary, events)
  const temporarySecret =
    next !== undefined && temporary !== undefined
      ? temporary
      : temporarySecretName(seen, revision, input.attempt)
  const certificate = await watch.time('status', () => announce(deps, seen, input, temporarySecret, events))
  next ??= await watch.time('key', () =>
    createNextKey(kubernetes, certificate, target && secretBytes(target, 'tls.key'), temporarySecret, events),
  )
  const key = next
  const request = await watch.time('request', () =>
    ensureRequest(kubernetes, certificate, revision, key, temporarySecret, events),
  )
  if (isFailed(request)) throw refusal(request)
  await watch.time('approve', () => approveAndSign(deps, request, issuer, key, events))

  return {
    revision,
    request: requestNameOf(certificate, revision),
    temporarySecret,
    flow: issuer === undefined ? 'external' : issuer.type === 'acme' ? 'order' : 'sign',
    requestDigest: requestDigest(certificate),
    known: knownFacts(certificate, target?.metadata.resourceVersion ?? ''),
    names: certificate.spec.dnsNames ?? [],
    issuer: describeIssuer(certificate.spec.issuerRef),
    leftovers: pack(issuer?.type === 'acme' ? await leftovers(deps, certificate, request) : []),
    steps: watch.steps,
  }
}

interface Ready {
  /** Undefined: another controller serves it. */
  issuer?: LiveIssuer
  target?: Secret
}

/** Everything that can be known before the first effect; the issuer is read beside the Secret. */
async function ready(deps: ActivityDeps, certificate: Certificate): Promise<Ready> {
  const [problem] = problems(certificate.spec)
  if (problem !== undefined) throw new CertloomError(problem.code, problem.message)
  const [target, issuer] = await Promise.allSettled([
    usableTarget(deps, certificate),
    usableIssuer(deps, certificate),
  ])
  // Whichever came first, the same one is told where both are wrong.
  if (target.status === 'rejected') throw target.reason
  if (issuer.status === 'rejected') throw issuer.reason
  return { issuer: issuer.value, target: target.value }
}

async function usableTarget(deps: ActivityDeps, certificate: Certificate): Promise<Secret | undefined> {
  const path = apiPath('Secret', certificate.metadata.namespace, certificate.spec.secretName)
  const target = await deps.kubernetes.get<Secret>(path)
  await checkTarget(deps, certificate, target)
  return target
}

async function usableIssuer(deps: ActivityDeps, certificate: Certificate): Promise<LiveIssuer | undefined> {
  const name = builtInIssuer(certificate.spec.issuerRef, certificate.metadata.namespace ?? '')
  if (name === undefined) return undefined
  const issuer = await awaitReadyIssuer(deps, name)
  if (issuer.type === 'acme') await checkOrderable(deps, issuer, certificate)
  else if (signers[issuer.type] === undefined) {
    throw new CertloomError('UnsupportedIssuer', `${name.kind} ${name.name} is of type ${issuer.type}`)
  }
  return issuer
}

async function announce(
  { kubernetes }: ActivityDeps,
  certificate: Certificate,
  input: PrepareInput,
  temporarySecret: string,
  events: Events,
): Promise<Certificate> {
  const { reason, message, warning } = input.cause
  let began = false
  const written = await writeStatus(kubernetes, certificate, (draft) => {
    // Begun by a worker that stood still since: another one has brought this attempt to its end.
    if (standOf(draft.status) !== standOf(certificate.status ?? {}))
      throw new CertloomError('ObjectGone', `the attempt ${input.attempt} is over`)
    // A person's own Issuing=True keeps its reason: it is the answer to "who asked for this?".
    began = draft.condition('Issuing')?.status !== 'True'
    if (began) draft.set('Issuing', 'True', reason, message)
    if (draft.condition('Ready') === undefined) draft.set('Ready', 'False', reason, message)
    draft.stall(undefined)
    draft.status.nextPrivateKeySecretName = temporarySecret
  })
  const subject = { kind: 'Certificate' as const, metadata: certificate.metadata }
  if (began && warning !== undefined) events.warning(subject, warning.reason, warning.message)
  if (began) events.normal(subject, 'Issuing', message)
  return written
}

/** What every end of an attempt changes. */
function standOf({ revision = 0, failedIssuanceAttempts = 0 }: NonNullable<Certificate['status']>): string {
  return `${revision} ${failedIssuanceAttempts}`
}

async function approveAndSign(
  deps: ActivityDeps,
  request: CertificateRequest,
  issuer: LiveIssuer | undefined,
  next: NextKey,
  events: Events,
): Promise<void> {
  const subject = { kind: 'CertificateRequest' as const, metadata: request.metadata }
  const approved = conditionOf(request, 'Approved')?.status === 'True'
  if (!approved && !deps.settings.approve) {
    if (issuer === undefined) return
    throw new CertloomError('NotApproved', `CertificateRequest ${request.metadata.name} is not approved`)
  }
  if (request.status?.certificate !== undefined) return
  const conditions: { type: string; reason: string; message: string; status?: 'True' | 'False' }[] = approved
    ? []
    : [APPROVED]
  const signer = issuer === undefined ? undefined : signers[issuer.type]
  if (issuer === undefined || signer === undefined) {
    await writeRequestStatus(deps.kubernetes, request, { conditions })
    if (!approved) events.normal(subject, APPROVED.reason, APPROVED.message)
    return
  }
  // Approval and signature go in one write: the policy looks at both, and a reader never sees one without the other.
  const signed = await signer.sign(deps, issuer, {
    csrPem: Buffer.from(request.spec.request, 'base64').toString(),
    key: next.key,
    durationSeconds: durationSeconds(request.spec.duration),
    isCA: request.spec.isCA ?? false,
    usages: request.spec.usages,
  })
  await writeRequestStatus(deps.kubernetes, request, {
    conditions: [...conditions, ISSUED],
    certificatePem: signed.chainPem,
    caPem: signed.caPem,
  })
  if (!approved) events.normal(subject, APPROVED.reason, APPROVED.message)
  events.normal(subject, 'CertificateIssued', ISSUED.message)
}

/** Records of this Certificate's earlier orders: they go before the next order begins. */
async function leftovers(
  deps: ActivityDeps,
  certificate: Certificate,
  request: CertificateRequest,
): Promise<RecordReference[]> {
  const claims = await claimsOf(deps, certificate)
  return claims.filter((claim) => claim.record.request !== request.metadata.uid).map((claim) => claim.record)
}
