import type { IndexFunction, StoredObject } from './store.ts'

/** Called with shared, frozen objects, in the order of what happened. Failures are logged and end nothing. */
export interface Handler<T> {
  onAdd?(object: T): void | Promise<void>
  /** Only where the resourceVersion changed: a relist that shows what is known calls nothing. */
  onUpdate?(object: T, previous: T): void | Promise<void>
  /** With the last state that was seen. */
  onDelete?(object: T): void | Promise<void>
}

/** One resource as a component needs it. The first definition of a name counts for all who need that name. */
export interface InformerDefinition<T extends StoredObject = StoredObject, Raw = T> {
  /** Under which all find the store, for example `certificates`. */
  name: string
  /** Path of the list: `/apis/cert-manager.io/v1/certificates`, or that of one namespace. */
  path: string
  /** labelSelector, fieldSelector. */
  query?: Record<string, string>
  /** Only metadata crosses the network and is kept: for Secrets. */
  metadataOnly?: boolean
  /** What is kept of an object; name, namespace, uid and resourceVersion must be. Default: all but managedFields. */
  shrink?: (object: Raw) => T
  indexes?: Record<string, IndexFunction<T>>
  handler?: Handler<T>
}

/** Types a definition: `informer<Certificate>({ … })`, or `informer<Kept, Certificate>` where `shrink` changes it. */
export function informer<T extends StoredObject, Raw = T>(
  definition: InformerDefinition<T, Raw>,
): InformerDefinition {
  return definition as unknown as InformerDefinition
}

/** In what two definitions of one name differ, handlers apart: these all may bring. */
export function differences(first: InformerDefinition, other: InformerDefinition): string[] {
  const found: string[] = []
  if (first.path !== other.path) found.push('path')
  if (canonical(first.query) !== canonical(other.query)) found.push('query')
  if ((first.metadataOnly ?? false) !== (other.metadataOnly ?? false)) found.push('metadataOnly')
  if (first.shrink !== other.shrink) found.push('shrink')
  return found
}

function canonical(query: Record<string, string> = {}): string {
  return JSON.stringify(Object.entries(query).sort(([a], [b]) => (a < b ? -1 : 1)))
}
