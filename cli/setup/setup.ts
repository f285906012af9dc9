import type { Kubernetes } from '../../activities/clients/kubernetes.ts'
import { LEASE_NAMESPACE } from '../../k8s-bridge/lease-record.ts'
import { applyAll, established } from './apply.ts'
import { clusterFeatures } from './cluster.ts'
import { readFolder, readManifests, type Manifest } from './manifests.ts'
import { policiesAnswer } from './policies-answer.ts'
import { setupTemporal, type TemporalOptions } from './temporal.ts'
import { patience, type Patience } from './wait.ts'

export { SetupError } from './error.ts'

/** How long closed runs can be read in Temporal, in days. */
export const RETENTION_DAYS = 90

const TIMEOUT_MS = 60_000

export interface SetupOptions {
  /** As a cluster administrator. Undefined: nothing is done in Kubernetes. */
  kubernetes?: Kubernetes
  /** Undefined: nothing is done in Temporal. */
  temporal?: TemporalOptions
  /** Hears one line per thing done. */
  log: (line: string) => void
  /** How long Temporal keeps closed runs; default 90. */
  retentionDays?: number
  /** What to install; default true each. */
  crds?: boolean
  policies?: boolean
  rbac?: boolean
  /** Where the Lease cert-manager-controller is; default kube-system. */
  leaseNamespace?: string
  signal?: AbortSignal
}

/**
 * Installs what certloom needs in a cluster and in Temporal, and waits until it works. Can be run again at any time:
 * what is as it should be is left alone.
 *
 * @throws SetupError that says what is wrong and what to do, also when a server is not ready within 60 seconds
 */
export async function setup(options: SetupOptions): Promise<void> {
  const limit = patience(TIMEOUT_MS, options.signal)
  if (options.kubernetes !== undefined) await setupCluster(options.kubernetes, options, limit)
  if (options.temporal !== undefined) {
    const { log, retentionDays = RETENTION_DAYS } = options
    await setupTemporal(options.temporal, {
      log,
      retentionDays,
      patience: patience(TIMEOUT_MS, options.signal),
    })
  }
}

async function setupCluster(kubernetes: Kubernetes, options: SetupOptions, limit: Patience): Promise<void> {
  const { log, crds = true, policies = true, rbac = true, leaseNamespace = LEASE_NAMESPACE } = options
  const features = await clusterFeatures(kubernetes, policies, limit.signal)
  log(`Kubernetes ${features.version} at ${kubernetes.server}`)
  if (crds) {
    const definitions = await readFolder('crds')
    await applyAll(kubernetes, definitions, limit.signal)
    await established(kubernetes, definitions, limit)
    log(`${definitions.length} CustomResourceDefinitions are served`)
  }
  if (rbac) {
    const rights = (await readFolder('rbac')).map((one) => inLeaseNamespace(one, leaseNamespace))
    await applyAll(kubernetes, rights, limit.signal)
    log('service accounts, roles and bindings are there')
  }
  if (policies) {
    if (!features.mutatingPolicies) {
      log(
        `warning: Kubernetes ${features.version} has no MutatingAdmissionPolicy v1 (1.36): requests name their requester only if he does so himself, and cmctl check api complains`,
      )
    }
    await applyAll(kubernetes, await readPolicies(features.mutatingPolicies), limit.signal)
    await policiesAnswer(kubernetes, features, limit)
    log('admission policies are in force')
  }
}

async function readPolicies(mutating: boolean): Promise<Manifest[]> {
  const all = await readFolder('policies')
  if (mutating) return all
  const identity = await readManifests('policies/older/certificaterequest-identity.yaml')
  const replaced = new Set(identity.map(({ metadata }) => metadata.name))
  return [...all.filter(({ metadata }) => !replaced.has(metadata.name)), ...identity]
}

/** Role and binding for the Lease stand in the namespace of the Lease; nothing else of ours stands in kube-system. */
function inLeaseNamespace(manifest: Manifest, namespace: string): Manifest {
  if (manifest.metadata.namespace !== LEASE_NAMESPACE) return manifest
  return { ...manifest, metadata: { ...manifest.metadata, namespace } }
}
