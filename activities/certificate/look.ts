import type { ExistingLook, Look, LookInput } from '../../workflows/activities.ts'
import { readiness, whyIssue } from '../../workflows/domain/issue-reasons.ts'
import { describeIssuer } from '../../workflows/domain/issuer-reference.ts'
import { cutKeyMaterial } from '../../workflows/domain/key-material.ts'
import { pack } from '../../workflows/domain/packed.ts'
import { requestMismatches } from '../../workflows/domain/request-fits.ts'
import { problems } from '../../workflows/domain/validate-certificate.ts'
import type { RecordReference } from '../../workflows/messages.ts'
import type { ActivityDeps } from '../deps.ts'
import { annotations } from '../objects.ts'
import { claimsOf } from '../acme/claims.ts'
import { canonicalJson } from '../hash.ts'
import { secretStale } from './keep-secret.ts'
import { knownFacts } from './known.ts'
import { StatusDraft } from './status.ts'
import { summaryOf } from './summary.ts'
import {
  issueInput,
  literalSubject,
  readCertificate,
  requestDigest,
  requestFacts,
  viewOf,
  type CertificateView,
} from './view.ts'

/** Names shown in the UI; the rest is a number. */
const MAX_NAMES = 20

/** Reads what is the matter with a Certificate. Only reads: running it twice changes nothing. */
export async function look({ kubernetes, ...deps }: ActivityDeps, input: LookInput): Promise<Look> {
  const certificate = await readCertificate(kubernetes, input)
  if (certificate === undefined) return { exists: false }
  const view = await viewOf(kubernetes, certificate)
  const { metadata, spec, status } = certificate
  const now = Date.now()
  const issue = issueInput(view, now)
  const ready = readiness(issue)
  const [invalid] = problems(spec)
  const names = allNames(view)

  const draft = new StatusDraft(certificate, now)
  draft.ready(ready)
  const found: ExistingLook = {
    exists: true,
    known: knownFacts(certificate, view.secret?.metadata.resourceVersion ?? ''),
    deleting: metadata.deletionTimestamp !== undefined,
    paused: metadata.annotations?.[annotations.paused] === 'true',
    why: whyIssue(issue),
    revision: status?.revision ?? 0,
    failures: status?.failedIssuanceAttempts ?? 0,
    lastFailureAt: status?.lastFailureTime,
    backOffApplies: requestStillFits(view),
    requestDigest: requestDigest(certificate),
    renewalTime: ready.renewalTime,
    statusStale:
      canonicalJson(draft.status) !== canonicalJson(status ?? {}) ||
      draft.condition('Stalled') !== undefined ||
      secretStale(view, now),
    // A private key among them is a problem to tell; refusing the whole look would tell nobody.
    names: names.slice(0, MAX_NAMES).map(cutKeyMaterial),
    moreNames: Math.max(names.length - MAX_NAMES, 0),
    issuer: cutKeyMaterial(describeIssuer(spec.issuerRef).replace('.cert-manager.io', '')),
    leftovers: pack(input.leftovers ? await forgotten({ kubernetes, ...deps }, view) : []),
  }
  if (invalid !== undefined) found.invalid = { code: invalid.code, message: invalid.message }
  if (issue.secret?.certificate !== undefined && !('error' in issue.secret.certificate)) {
    found.certificate = summaryOf(issue.secret.certificate)
  }
  return found
}

/** Records of orders that nobody will go on with; those of the issuance under way are taken up by it. */
async function forgotten(
  deps: ActivityDeps,
  { certificate, nextRequest }: CertificateView,
): Promise<RecordReference[]> {
  const claims = await claimsOf(deps, certificate)
  return claims
    .filter((claim) => claim.record.request !== nextRequest?.metadata.uid)
    .map((claim) => claim.record)
}

/** A failed request that no longer says what is wished does not delay the next attempt. */
function requestStillFits({ certificate, nextRequest }: CertificateView): boolean {
  if (nextRequest === undefined) return true
  try {
    const facts = requestFacts(nextRequest)
    const options = { literalSubjectDer: literalSubject(certificate) }
    return requestMismatches(facts, nextRequest.spec, certificate.spec, options).length === 0
  } catch {
    return false
  }
}

function allNames({ certificate }: CertificateView): string[] {
  const { commonName, dnsNames = [], ipAddresses = [], uris = [], emailAddresses = [] } = certificate.spec
  return [
    ...new Set([
      ...(commonName === undefined ? [] : [commonName]),
      ...dnsNames,
      ...ipAddresses,
      ...uris,
      ...emailAddresses,
    ]),
  ]
}
