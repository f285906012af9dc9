import { isStatus, KubernetesError, type Kubernetes } from '../../activities/clients/kubernetes.ts'
import { SetupError } from './error.ts'

/** What the API server can do for our policies. */
export interface ClusterFeatures {
  /** As the server writes it, like v1.36.3. */
  version: string
  /** MutatingAdmissionPolicy v1: Kubernetes 1.36. */
  mutatingPolicies: boolean
}

/** The functions that the policies use (isIP, isCIDR) can be used from this minor version on. */
const OLDEST_MINOR = 31

/** @throws SetupError where the server cannot be reached or is too old for policies */
export async function clusterFeatures(
  kubernetes: Kubernetes,
  policies: boolean,
  signal: AbortSignal,
): Promise<ClusterFeatures> {
  const { gitVersion, major, minor } = await ask<{ gitVersion: string; major: string; minor: string }>(
    kubernetes,
    '/version',
    signal,
  )
  if (policies && Number.parseInt(major) === 1 && Number.parseInt(minor) < OLDEST_MINOR) {
    throw new SetupError(
      `Kubernetes ${gitVersion} is too old for the admission policies, which need v1.${OLDEST_MINOR}: upgrade the cluster, or use --skip-policies and keep cert-manager's webhook`,
    )
  }
  const { resources } = await ask<{ resources: { name: string }[] }>(
    kubernetes,
    '/apis/admissionregistration.k8s.io/v1',
    signal,
  )
  return {
    version: gitVersion,
    mutatingPolicies: resources.some(({ name }) => name === 'mutatingadmissionpolicies'),
  }
}

async function ask<T>(kubernetes: Kubernetes, path: string, signal: AbortSignal): Promise<T> {
  try {
    return await kubernetes.request<T>('GET', path, { signal })
  } catch (error) {
    if (!(error instanceof KubernetesError)) throw error
    const remedy = isStatus(error, 401) ? 'log in again' : 'check the kubeconfig and that the server runs'
    throw new SetupError(`the API server ${kubernetes.server} does not answer ${path}: ${remedy}`, {
      detail: error.message,
      cause: error,
    })
  }
}
