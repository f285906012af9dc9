import { isStatus, KubernetesError, type Kubernetes } from '../../activities/clients/kubernetes.ts'
import { SetupError } from './error.ts'
import { pathOf, type Manifest } from './manifests.ts'
import { until, type Patience } from './wait.ts'

export const FIELD_MANAGER = 'certloom-setup'

/** What others stand in or refer to comes first. */
const firstKinds = ['Namespace', 'ServiceAccount', 'CustomResourceDefinition']

/** Applies objects by server-side apply, overriding other managers; fields that others set beside ours stay. */
export async function applyAll(
  kubernetes: Kubernetes,
  manifests: Manifest[],
  signal: AbortSignal,
): Promise<void> {
  const rank = ({ kind }: Manifest) =>
    (firstKinds.indexOf(kind) + firstKinds.length + 1) % (firstKinds.length + 1)
  for (const manifest of manifests.toSorted((a, b) => rank(a) - rank(b))) {
    await applyOne(kubernetes, manifest, signal)
  }
}

async function applyOne(kubernetes: Kubernetes, manifest: Manifest, signal: AbortSignal): Promise<void> {
  try {
    await kubernetes.apply(pathOf(manifest), manifest, { fieldManager: FIELD_MANAGER, force: true, signal })
  } catch (error) {
    if (!(error instanceof KubernetesError)) throw error
    const { kind, metadata } = manifest
    throw new SetupError(`cannot apply ${kind} ${metadata.name}: ${remedyFor(error, manifest)}`, {
      detail: error.message,
      cause: error,
    })
  }
}

function remedyFor(error: KubernetesError, { metadata }: Manifest): string {
  if (error.status === 403) return 'run setup as a cluster administrator'
  if (error.status === 401) return 'log in to the cluster again'
  if (error.status === 0) return 'check that the API server can be reached'
  if (error.status === 404 && metadata.namespace !== undefined)
    return `create the namespace ${metadata.namespace} first`
  return 'look at what the API server says'
}

interface Crd {
  status?: { conditions?: { type: string; status: string; message?: string }[] }
}

/** Waits until the API server serves the kinds of the CRDs. */
export async function established(
  kubernetes: Kubernetes,
  crds: Manifest[],
  patience: Patience,
): Promise<void> {
  for (const crd of crds) {
    await until(
      `the API server serves ${crd.metadata.name}`,
      'look at the conditions of the CustomResourceDefinition with kubectl describe crd',
      async () => {
        const live = await kubernetes
          .get<Crd>(pathOf(crd), { signal: patience.signal })
          .catch((error: unknown) => {
            if (isStatus(error, 503) || isStatus(error, 0)) return undefined
            throw error
          })
        const conditions = live?.status?.conditions ?? []
        if (conditions.some(({ type, status }) => type === 'Established' && status === 'True'))
          return { done: true }
        const refused = conditions.find(({ type, status }) => type === 'NamesAccepted' && status === 'False')
        return { pending: refused?.message ?? 'it is not Established yet' }
      },
      patience,
    )
  }
}
