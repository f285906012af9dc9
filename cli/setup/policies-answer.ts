import { KubernetesError, type Kubernetes } from '../../activities/clients/kubernetes.ts'
import { createRequest, generatePrivateKey } from '../../activities/clients/x509.ts'
import { apiPath, apiVersionOf, type Kind } from '../../k8s-bridge/api/kinds.ts'
import { SetupError } from './error.ts'
import { until, type Finding, type Patience } from './wait.ts'

/** Exists in every cluster; nothing is stored there, all probes are dry runs. */
const NAMESPACE = 'default'

const REMEDY =
  'look at kubectl get validatingadmissionpolicies,validatingadmissionpolicybindings, then run setup again'

/**
 * Waits until the policies are in force: a policy takes a second from its writing on, and creates of a kind that a
 * mutating policy waits for are refused until the server has it.
 */
export async function policiesAnswer(
  kubernetes: Kubernetes,
  { mutatingPolicies }: { mutatingPolicies: boolean },
  patience: Patience,
): Promise<void> {
  const issuerRef = { name: 'certloom-setup' }
  const refused: [Kind, string, object][] = [
    ['Certificate', 'certificates.certloom.dev', { secretName: 'certloom-setup', issuerRef }],
    ['Issuer', 'issuers.certloom.dev', {}],
    ['CertificateRequest', 'certificaterequests.certloom.dev', { request: 'bm8gQ1NS', issuerRef }],
  ]
  for (const [kind, policy, spec] of refused) {
    const look = async () => isRefused(await dryRun(kubernetes, kind, spec, patience.signal), policy)
    await until(`the policy ${policy} refuses a bad ${kind}`, REMEDY, look, patience)
  }

  const key = await generatePrivateKey({ algorithm: 'ECDSA', size: 256 })
  const csr = await createRequest(
    { secretName: 'certloom-setup', issuerRef, dnsNames: ['setup.certloom.invalid'] },
    key,
  )
  const spec = { request: Buffer.from(csr).toString('base64'), issuerRef }
  const look = async () =>
    isAccepted(await dryRun(kubernetes, 'CertificateRequest', spec, patience.signal), mutatingPolicies)
  await until('a good CertificateRequest is accepted', REMEDY, look, patience)
}

interface Probed {
  spec?: { username?: string }
}

async function dryRun(
  kubernetes: Kubernetes,
  kind: Kind,
  spec: object,
  signal: AbortSignal,
): Promise<Probed | KubernetesError> {
  const body = { apiVersion: apiVersionOf(kind), kind, metadata: { generateName: 'certloom-setup-' }, spec }
  try {
    return await kubernetes.create<Probed>(apiPath(kind, NAMESPACE), body, {
      query: { dryRun: 'All' },
      signal,
      retries: 0,
    })
  } catch (error) {
    if (!(error instanceof KubernetesError)) throw error
    failForGood(error)
    return error
  }
}

/** Answers that waiting does not change. */
function failForGood(error: KubernetesError): void {
  if (
    error.status === 401 ||
    (error.status === 403 && !error.message.includes('ValidatingAdmissionPolicy'))
  ) {
    const message = `cannot try the policies with a dry run in namespace ${NAMESPACE}: run setup as a cluster administrator`
    throw new SetupError(message, { detail: error.message, cause: error })
  }
  if (error.status === 500 && error.message.includes('failed calling webhook')) {
    throw new SetupError(
      'an admission webhook that does not answer stands before the policies: if cert-manager was removed, delete its ValidatingWebhookConfiguration and MutatingWebhookConfiguration cert-manager-webhook',
      { detail: error.message, cause: error },
    )
  }
}

function isRefused(answer: Probed | KubernetesError, policy: string): Finding<true> {
  if (!(answer instanceof KubernetesError)) return { pending: 'it was accepted' }
  return answer.message.includes(`'${policy}'`) ? { done: true } : { pending: answer.message }
}

function isAccepted(answer: Probed | KubernetesError, mutatingPolicies: boolean): Finding<true> {
  if (answer instanceof KubernetesError) return { pending: answer.message }
  if (mutatingPolicies && !answer.spec?.username)
    return { pending: 'the requester is not written into it yet' }
  return { done: true }
}
