import type { Certificate } from '../../k8s-bridge/api/certificate.ts'
import type { CertificateRequest } from '../../k8s-bridge/api/certificate-request.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import type { AttemptReference, FailInput, ReportInput } from '../../workflows/activities.ts'
import { describeStall } from '../../workflows/domain/describe-stall.ts'
import { describeFailure } from '../../workflows/domain/failures.ts'
import { readiness } from '../../workflows/domain/issue-reasons.ts'
import { builtInGroup, resolveIssuer } from '../../workflows/domain/issuer-reference.ts'
import type { KnownFacts } from '../../workflows/messages.ts'
import type { ActivityDeps } from '../deps.ts'
import type { Events } from '../events.ts'
import { isControlledBy, type Secret } from '../objects.ts'
import { knownFacts } from './known.ts'
import { keepSecret } from './keep-secret.ts'
import { conditionOf, DENIED, isFailed, requestNameOf, verdictOf, writeRequestStatus } from './request.ts'
import { writeStatus } from './status.ts'
import { deleteNextKey, temporarySecretName } from './temporary-key.ts'
import { issueInput, ownCertificate, viewOf } from './view.ts'

/**
 * Counts an attempt that the CA judged, as upstream does: the request fails, Issuing turns False with the reason, the
 * next key goes. The target Secret is not touched.
 *
 * A second run is harmless: the request that failed already is not failed again, and a status that carries this
 * failure is left as it is.
 */
export async function failAttempt(deps: ActivityDeps, input: FailInput, events: Events): Promise<KnownFacts> {
  const { kubernetes } = deps
  const certificate = await ownCertificate(deps.kubernetes, input.certificate)
  if (certificate === undefined) return gone(input)
  const { namespace } = certificate.metadata
  const name = requestNameOf(certificate, input.revision)
  const request = await kubernetes.get<CertificateRequest>(apiPath('CertificateRequest', namespace, name))
  const verdict = await judge(deps, request, input, events)
  const reason = verdict.reason ?? 'Failed'
  const message = `The certificate request has failed to complete and will be retried: ${verdict.message ?? ''}`
  // Before the status, which names it: after that nothing would lead to it any more.
  await deleteNextKeys(deps, certificate, input)
  let counted = false
  const written = await writeStatus(kubernetes, certificate, (draft) => {
    // Issuing=False together with no next key is how this step leaves the status.
    counted =
      draft.condition('Issuing')?.status !== 'False' || draft.status.nextPrivateKeySecretName !== undefined
    if (!counted) return
    draft.set('Issuing', 'False', reason, message)
    draft.status.lastFailureTime = draft.now
    draft.status.failedIssuanceAttempts = (draft.status.failedIssuanceAttempts ?? 0) + 1
    draft.status.nextPrivateKeySecretName = undefined
    draft.stall(undefined)
  })
  if (counted) events.warning({ kind: 'Certificate', metadata: certificate.metadata }, reason, message)
  return knownOf(deps, written)
}

/** The next key as the status names it, and as this attempt named it. */
async function deleteNextKeys(
  { kubernetes }: ActivityDeps,
  certificate: Certificate,
  { revision, attempt }: AttemptReference,
): Promise<void> {
  const own = temporarySecretName(certificate, revision, attempt)
  const names = new Set([certificate.status?.nextPrivateKeySecretName ?? own, own])
  await Promise.all([...names].map((name) => deleteNextKey(kubernetes, certificate, name)))
}

/** Writes the failure into the request, unless it says itself why it failed; that is then what counts. */
async function judge(
  { kubernetes }: ActivityDeps,
  request: CertificateRequest | undefined,
  input: FailInput,
  events: Events,
): Promise<{ reason?: string; message?: string }> {
  const failed = {
    type: 'Ready',
    status: 'False' as const,
    reason: 'Failed',
    message: describeFailure(input.failure),
  }
  if (request === undefined || !isControlledBy(request, input.certificate.uid)) return failed
  const subject = { kind: 'CertificateRequest' as const, metadata: request.metadata }
  if (isFailed(request)) {
    // As the issuer's controller does for a denied request; that of another group does it by itself.
    const open =
      conditionOf(request, 'Denied')?.status === 'True' && conditionOf(request, 'Ready')?.status !== 'False'
    if (open && resolveIssuer(request.spec.issuerRef).group === builtInGroup)
      await writeRequestStatus(kubernetes, request, { conditions: [DENIED], failed: true })
    return verdictOf(request) ?? failed
  }
  await writeRequestStatus(kubernetes, request, { conditions: [failed], failed: true })
  events.warning(subject, input.failure.code, failed.message)
  return failed
}

/**
 * Takes back what `prepare` made for an attempt that was given up. A second run is harmless: it finds nothing left.
 */
export async function discardAttempt(deps: ActivityDeps, input: AttemptReference): Promise<KnownFacts> {
  const { kubernetes } = deps
  const certificate = await ownCertificate(deps.kubernetes, input.certificate)
  if (certificate === undefined) return gone(input)
  const { namespace } = certificate.metadata
  const path = apiPath('CertificateRequest', namespace, requestNameOf(certificate, input.revision))
  const request = await kubernetes.get<CertificateRequest>(path)
  const published = (certificate.status?.revision ?? 0) >= input.revision
  if (request !== undefined && isControlledBy(request, input.certificate.uid) && !published) {
    await kubernetes.delete(path, { uid: request.metadata.uid, propagationPolicy: 'Background' })
  }
  await deleteNextKeys(deps, certificate, input)
  const written = await writeStatus(kubernetes, certificate, (draft) => {
    draft.remove('Issuing')
    draft.status.nextPrivateKeySecretName = undefined
  })
  return knownOf(deps, written)
}

/**
 * Makes the status say what is true while nothing is issued: Ready and its dates, Stalled while somebody has to act;
 * and keeps labels, annotations and formats of the Secret as the spec wants them. A second run is harmless: an equal status is not written.
 */
export async function updateStatus(
  deps: ActivityDeps,
  input: ReportInput,
  events: Events,
): Promise<KnownFacts> {
  const certificate = await ownCertificate(deps.kubernetes, input.certificate)
  if (certificate === undefined) return gone(input)
  const view = await viewOf(deps.kubernetes, certificate)
  const secret = await keepSecret(deps, view, Date.now())
  let news = false
  const written = await writeStatus(deps.kubernetes, certificate, (draft) => {
    draft.ready(readiness(issueInput(view, Date.now())))
    const before = draft.condition('Stalled')?.message
    draft.stall(input.failure)
    news = input.failure !== undefined && draft.condition('Stalled')?.message !== before
  })
  if (news && input.failure !== undefined) {
    events.warning(
      { kind: 'Certificate', metadata: certificate.metadata },
      input.failure.code,
      describeStall(input.failure),
    )
  }
  return knownFacts(written, secret?.metadata.resourceVersion ?? '')
}

async function knownOf({ kubernetes }: ActivityDeps, certificate: Certificate): Promise<KnownFacts> {
  const secret = await kubernetes.get<Secret>(
    apiPath('Secret', certificate.metadata.namespace, certificate.spec.secretName),
  )
  return knownFacts(certificate, secret?.metadata.resourceVersion ?? '')
}

function gone(input: Pick<AttemptReference, 'certificate'>): KnownFacts {
  return { uid: input.certificate.uid, generation: 0, issuing: '', secretVersion: '' }
}
