import { CertloomError } from '../activities/failure.ts'
import type { Kubernetes } from '../activities/clients/kubernetes.ts'

/**
 * Kubernetes with a fence before every write: while the Lease is not held by certloom, nothing of ours is written,
 * whatever a step that was begun earlier still wants.
 */
export function fenced(kubernetes: Kubernetes, mayWrite: () => boolean): Kubernetes {
  const guard = () => {
    if (!mayWrite())
      throw new CertloomError('NotLeader', 'the Lease cert-manager-controller is not held by certloom')
  }
  const writing = new Set<PropertyKey>([
    'create',
    'apply',
    'patch',
    'merge',
    'replace',
    'delete',
    'deleteCollection',
  ])
  return new Proxy(kubernetes, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value !== 'function') return value
      const method = value as (...args: unknown[]) => Promise<unknown>
      if (!writing.has(property)) return method.bind(target)
      return async (...args: unknown[]) => {
        guard()
        return method.apply(target, args)
      }
    },
  })
}
