import { describeError, type Logger } from '../logger.ts'

/** What every stored object keeps, however much of it is shrunk away. */
export interface StoredObject {
  metadata: { name: string; namespace?: string; uid: string; resourceVersion: string }
}

/** The values under which an object is found; pure. */
export type IndexFunction<T> = (object: T) => string[]

/** What components read: the current objects of one resource. The objects are frozen and shared. */
export interface Store<T> {
  readonly size: number
  /** `key` is `<namespace>/<name>`, or `<name>` of a cluster-wide object: see {@link objectKey}. */
  get(key: string): T | undefined
  /** All objects, or those of one namespace (found by going through all of them). */
  list(namespace?: string): T[]
  keys(): IterableIterator<string>
  /** The objects for which the index function of that name returned `value`; throws for an unknown index. */
  byIndex(index: string, value: string): T[]
}

/** `<namespace>/<name>`, or `<name>` where there is no namespace. */
export function objectKey(object: { metadata: { name: string; namespace?: string } }): string {
  const { name, namespace } = object.metadata
  return namespace ? `${namespace}/${name}` : name
}

interface Index<T> {
  keysOf: IndexFunction<T>
  keys: Map<string, Set<string>>
}

/** A {@link Store} with its writing side, for the informer alone. */
export class IndexedStore<T extends StoredObject> implements Store<T> {
  readonly #objects = new Map<string, T>()
  readonly #indexes = new Map<string, Index<T>>()
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  get size(): number {
    return this.#objects.size
  }

  get(key: string): T | undefined {
    return this.#objects.get(key)
  }

  list(namespace?: string): T[] {
    const all = [...this.#objects.values()]
    return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace)
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys()
  }

  byIndex(index: string, value: string): T[] {
    const { keys } = this.#index(index)
    const found: T[] = []
    for (const key of keys.get(value) ?? []) {
      const object = this.#objects.get(key)
      if (object !== undefined) found.push(object)
    }
    return found
  }

  /** The function of that index, where it exists. */
  indexFunction(name: string): IndexFunction<T> | undefined {
    return this.#indexes.get(name)?.keysOf
  }

  addIndex(name: string, keysOf: IndexFunction<T>): void {
    const index: Index<T> = { keysOf, keys: new Map() }
    this.#indexes.set(name, index)
    for (const [key, object] of this.#objects) this.#enter(name, index, key, object)
  }

  set(key: string, object: T): void {
    const previous = this.#objects.get(key)
    for (const [name, index] of this.#indexes) {
      if (previous !== undefined) this.#leave(name, index, key, previous)
      this.#enter(name, index, key, object)
    }
    this.#objects.set(key, object)
  }

  remove(key: string): void {
    const previous = this.#objects.get(key)
    if (previous === undefined) return
    for (const [name, index] of this.#indexes) this.#leave(name, index, key, previous)
    this.#objects.delete(key)
  }

  #index(name: string): Index<T> {
    const index = this.#indexes.get(name)
    if (index) return index
    const known = [...this.#indexes.keys()].join(', ') || 'none'
    throw new Error(
      `there is no index "${name}" on this store (indexes: ${known}): register it with the informer`,
    )
  }

  #enter(name: string, index: Index<T>, key: string, object: T): void {
    for (const value of this.#values(name, index, key, object)) {
      const keys = index.keys.get(value)
      if (keys) keys.add(key)
      else index.keys.set(value, new Set([key]))
    }
  }

  #leave(name: string, index: Index<T>, key: string, object: T): void {
    for (const value of this.#values(name, index, key, object)) {
      const keys = index.keys.get(value)
      if (keys?.delete(key) && keys.size === 0) index.keys.delete(value)
    }
  }

  #values(name: string, index: Index<T>, key: string, object: T): string[] {
    try {
      return index.keysOf(object)
    } catch (error) {
      this.#logger.error(
        { index: name, key, error: describeError(error) },
        'index function failed: object not indexed',
      )
      return []
    }
  }
}
