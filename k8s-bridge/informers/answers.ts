import { KubernetesError, type Status } from '../../activities/clients/kubernetes.ts'

/** What any object of a list or watch has. */
export interface RawObject {
  metadata: { name: string; namespace?: string; uid: string; resourceVersion: string }
}

/** Errors that say nothing about our version: the server is away, not ready, busy, or does not let us in. */
export function isDoubtful(error: unknown): boolean {
  if (!(error instanceof KubernetesError)) return true
  if (error.status === 0) return error.reason === 'MalformedResponse'
  return ![401, 403, 404, 429, 503].includes(error.status)
}

export function isExpired(error: unknown): boolean {
  return error instanceof KubernetesError && (error.status === 410 || error.reason === 'Expired')
}

/** The object of an ERROR event is a Status. */
export function errorInStream(path: string, object: unknown): KubernetesError {
  const { code, reason, message } = (object ?? {}) as Status
  return new KubernetesError({
    status: code ?? 500,
    reason: reason ?? 'Unknown',
    message: message ?? 'the watch ended with an error that does not say which',
    method: 'GET',
    path,
  })
}

export function checked(path: string, object: unknown): RawObject {
  const metadata = (object as Partial<RawObject> | undefined)?.metadata
  if (metadata?.name && metadata.resourceVersion) return object as RawObject
  throw malformed(path, 'an object without metadata.name or metadata.resourceVersion')
}

export function bookmarkVersion(path: string, object: unknown): string {
  const version = (object as Partial<RawObject> | undefined)?.metadata?.resourceVersion
  if (version) return version
  throw malformed(path, 'a bookmark without metadata.resourceVersion')
}

export function malformed(path: string, what: string): KubernetesError {
  const message = `the API server sent ${what}`
  return new KubernetesError({ status: 0, reason: 'MalformedResponse', message, method: 'GET', path })
}
