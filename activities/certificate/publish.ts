import type { Certificate } from '../../k8s-bridge/api/certificate.ts'
import type { CertificateRequest } from '../../k8s-bridge/api/certificate-request.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import type { PublishInput, Published } from '../../workflows/activities.ts'
import { readiness } from '../../workflows/domain/issue-reasons.ts'
import { parseCertificate, verifyIssued } from '../clients/x509.ts'
import type { ActivityDeps } from '../deps.ts'
import type { Events } from '../events.ts'
import { CertloomError } from '../failure.ts'
import { annotations, isControlledBy, secretBytes, type Secret } from '../objects.ts'
import { Stopwatch } from '../stopwatch.ts'
import { knownFacts } from './known.ts'
import { conditionOf, isFailed, refusal } from './request.ts'
import { writeStatus } from './status.ts'
import { summaryOf } from './summary.ts'
import { applyTarget, checkTarget } from './target-secret.ts'
import { isNextKeyOf } from './temporary-key.ts'
import { issueInput, requestDigest, requireCertificate } from './view.ts'

/**
 * Puts the issued certificate and its key into the target Secret, then says so in the status.
 *
 * A second run is harmless: the same bytes are applied again, and a status that names this revision is left alone; only
 * what an earlier run may not have come to, the removal of the next key and of old requests, is done then.
 */
export async function publish(deps: ActivityDeps, input: PublishInput, events: Events): Promise<Published> {
  const { kubernetes } = deps
  const watch = new Stopwatch()
  const certificate = await requireCertificate(kubernetes, input.certificate)
  const { namespace, name } = certificate.metadata
  const path = (kind: 'CertificateRequest' | 'Secret', object: string) => apiPath(kind, namespace, object)
  const [request, temporary, target] = await Promise.all([
    kubernetes.get<CertificateRequest>(path('CertificateRequest', input.request)),
    kubernetes.get<Secret>(path('Secret', input.temporarySecret)),
    kubernetes.get<Secret>(path('Secret', certificate.spec.secretName)),
  ])
  if ((certificate.status?.revision ?? 0) >= input.revision) {
    await tidy(deps, certificate, temporary, input)
    return published(certificate, target, watch)
  }
  if (requestDigest(certificate) !== input.requestDigest) {
    throw new CertloomError('ObjectGone', `Certificate ${name} asks for something else by now`)
  }
  const { chainPem, caPem } = issuedBy(request, input)
  const keyPem = temporary === undefined ? undefined : secretBytes(temporary, 'tls.key')
  if (temporary === undefined || keyPem === undefined || !isControlledBy(temporary, input.certificate.uid)) {
    throw new CertloomError(
      'CertificateInvalid',
      `the key of this attempt is gone: Secret ${input.temporarySecret}`,
    )
  }
  await checkTarget(deps, certificate, target)
  const facts = parseCertificate(chainPem)

  const secret = await watch.time('secret', () =>
    applyTarget(deps, certificate, target, { chainPem, keyPem, caPem, facts }),
  )
  const written = await watch.time('status', () =>
    succeed(deps, certificate, secret, request, input.revision),
  )
  events.normal(
    { kind: 'Certificate', metadata: certificate.metadata },
    'Issuing',
    'The certificate has been successfully issued',
  )
  await watch.time('tidy', () => tidy(deps, written, temporary, input))
  return published(written, secret, watch)
}

/** The chain of a request that is issued and fits; throws what keeps it from being published. */
function issuedBy(
  request: CertificateRequest | undefined,
  input: PublishInput,
): { chainPem: string; caPem?: Buffer } {
  if (request === undefined)
    throw new CertloomError('ObjectGone', `CertificateRequest ${input.request} is gone`)
  if (isFailed(request)) throw refusal(request)
  if (conditionOf(request, 'Approved')?.status !== 'True') {
    throw new CertloomError('NotApproved', `CertificateRequest ${input.request} is not approved`)
  }
  const chain = request.status?.certificate
  if (chain === undefined || conditionOf(request, 'Ready')?.status !== 'True') {
    throw new CertloomError(
      'WaitingForExternalIssuer',
      `CertificateRequest ${input.request} is not issued yet`,
    )
  }
  const chainPem = Buffer.from(chain, 'base64').toString()
  const csrPem = Buffer.from(request.spec.request, 'base64').toString()
  verifyIssued({ chainPem, request: { csrPem }, now: new Date(), strict: false })
  const ca = request.status?.ca
  return { chainPem, caPem: ca === undefined ? undefined : Buffer.from(ca, 'base64') }
}

async function succeed(
  { kubernetes }: ActivityDeps,
  certificate: Certificate,
  secret: Secret,
  request: CertificateRequest | undefined,
  revision: number,
): Promise<Certificate> {
  return writeStatus(kubernetes, certificate, (draft) => {
    draft.ready(readiness(issueInput({ certificate, secret, currentRequest: request }, Date.now())))
    draft.remove('Issuing')
    draft.stall(undefined)
    Object.assign(draft.status, {
      revision,
      nextPrivateKeySecretName: undefined,
      lastFailureTime: undefined,
      failedIssuanceAttempts: undefined,
    })
  })
}

/** The next key has become the key, and old revisions have had their time. */
async function tidy(
  { kubernetes }: ActivityDeps,
  certificate: Certificate,
  temporary: Secret | undefined,
  input: PublishInput,
): Promise<void> {
  const { namespace, uid = '' } = certificate.metadata
  const limit = Math.max(certificate.spec.revisionHistoryLimit ?? 1, 1)
  const removeOld = async () => {
    if (input.revision <= limit) return
    const requests = await kubernetes.list<CertificateRequest>(apiPath('CertificateRequest', namespace))
    const old = requests.items.filter(
      (request) => isControlledBy(request, uid) && revisionOf(request) <= input.revision - limit,
    )
    await Promise.all(
      old.map(({ metadata }) =>
        kubernetes.delete(apiPath('CertificateRequest', namespace, metadata.name), {
          uid: metadata.uid,
          propagationPolicy: 'Background',
        }),
      ),
    )
  }
  const removeNextKey = async () => {
    if (temporary === undefined || !isNextKeyOf(temporary, certificate)) return
    await kubernetes.delete(apiPath('Secret', namespace, temporary.metadata.name), {
      uid: temporary.metadata.uid,
    })
  }
  // Together, and heard of together: a failure that nobody listens to would end the process.
  await Promise.all([removeNextKey(), removeOld()])
}

function revisionOf(request: CertificateRequest): number {
  const revision = Number(request.metadata.annotations?.[annotations.certificateRevision])
  return Number.isInteger(revision) ? revision : Number.POSITIVE_INFINITY
}

function published(certificate: Certificate, secret: Secret | undefined, watch: Stopwatch): Published {
  const pem = secret === undefined ? undefined : secretBytes(secret, 'tls.crt')
  if (pem === undefined) throw new CertloomError('CertificateInvalid', 'the published Secret is gone again')
  return {
    certificate: summaryOf(parseCertificate(pem.toString())),
    revision: certificate.status?.revision ?? 0,
    renewalTime: certificate.status?.renewalTime,
    known: knownFacts(certificate, secret?.metadata.resourceVersion ?? ''),
    steps: watch.steps,
  }
}
