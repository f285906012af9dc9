import type { Kubernetes } from '../../activities/clients/kubernetes.ts'
import { describeError, type Logger } from '../logger.ts'
import type { Handler, InformerDefinition } from './definition.ts'
import type { RawObject } from './answers.ts'
import { Reflector, type ReflectorHealth, type ReflectorTimes } from './reflector.ts'
import { IndexedStore, objectKey, type IndexFunction, type StoredObject } from './store.ts'

export interface InformerHealth extends ReflectorHealth {
  name: string
  synced: boolean
  objects: number
  /** Calls of handlers that failed. */
  handlerFailures: number
}

/** An object on its way into the store; without `object` where it could not be shrunk. */
interface Entry {
  key: string
  object?: StoredObject
}

/** One resource: its reflector, its store, and whoever wants to hear of changes. */
export class Informer {
  readonly definition: InformerDefinition
  readonly store: IndexedStore<StoredObject>
  readonly #handlers: { registrant: string; handler: Handler<StoredObject> }[] = []
  readonly #logger: Logger
  readonly #reflector: Reflector<Entry>
  readonly #whenSynced = Promise.withResolvers<void>()
  #synced = false
  #handlerFailures = 0

  constructor(
    definition: InformerDefinition,
    deps: { kubernetes: Kubernetes; logger: Logger; times?: Partial<ReflectorTimes>; random?: () => number },
  ) {
    this.definition = definition
    this.#logger = deps.logger
    this.store = new IndexedStore(deps.logger)
    this.#reflector = new Reflector<Entry>({
      ...deps,
      path: definition.path,
      query: definition.query,
      metadataOnly: definition.metadataOnly,
      sink: {
        prepare: (object) => this.#prepare(object),
        replace: (entries) => this.#replace(entries),
        change: (type, entry) => (type === 'DELETED' ? this.#remove(entry) : this.#put(entry)),
      },
    })
  }

  get hasSynced(): boolean {
    return this.#synced
  }

  /** Resolves when the first list is in the store and its handlers have been called. */
  get whenSynced(): Promise<void> {
    return this.#whenSynced.promise
  }

  get health(): InformerHealth {
    return {
      ...this.#reflector.health,
      name: this.definition.name,
      synced: this.#synced,
      objects: this.store.size,
      handlerFailures: this.#handlerFailures,
    }
  }

  addHandler(registrant: string, handler: Handler<StoredObject>): void {
    this.#handlers.push({ registrant, handler })
  }

  addIndex(name: string, keysOf: IndexFunction<StoredObject>): void {
    this.store.addIndex(name, keysOf)
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#reflector.run(signal)
  }

  #prepare(raw: RawObject): Entry {
    const key = objectKey(raw)
    const shrink = this.definition.shrink ?? withoutManagedFields
    try {
      return { key, object: deepFreeze(shrink(raw)) }
    } catch (error) {
      this.#logger.error(
        { informer: this.definition.name, key, error: describeError(error) },
        'object cannot be shrunk: its last state is kept',
      )
      return { key }
    }
  }

  #replace(entries: Entry[]): void {
    const listed = new Set<string>()
    for (const entry of entries) {
      listed.add(entry.key)
      this.#put(entry)
    }
    // What was deleted while nobody watched.
    for (const key of [...this.store.keys()]) if (!listed.has(key)) this.#remove({ key })
    this.#synced = true
    this.#whenSynced.resolve()
  }

  #put({ key, object }: Entry): void {
    if (object === undefined) return
    const previous = this.store.get(key)
    if (previous?.metadata.uid !== undefined && previous.metadata.uid !== object.metadata.uid) {
      this.#remove({ key })
      this.#put({ key, object })
      return
    }
    if (previous?.metadata.resourceVersion === object.metadata.resourceVersion) return
    this.store.set(key, object)
    if (previous === undefined) this.#notify(key, (handler) => handler.onAdd?.(object))
    else this.#notify(key, (handler) => handler.onUpdate?.(object, previous))
  }

  #remove({ key, object }: Entry): void {
    const previous = this.store.get(key)
    // The late end of an object that has been made anew since.
    if (previous === undefined || (object && object.metadata.uid !== previous.metadata.uid)) return
    this.store.remove(key)
    this.#notify(key, (handler) => handler.onDelete?.(object ?? previous))
  }

  #notify(key: string, call: (handler: Handler<StoredObject>) => void | Promise<void>): void {
    for (const { registrant, handler } of this.#handlers) {
      const failed = (error: unknown) => {
        this.#handlerFailures++
        this.#logger.error(
          { informer: this.definition.name, registrant, key, error: describeError(error) },
          'handler failed',
        )
      }
      try {
        const result = call(handler)
        if (result instanceof Promise) result.catch(failed)
      } catch (error) {
        failed(error)
      }
    }
  }
}

function withoutManagedFields(raw: StoredObject): StoredObject {
  const { managedFields: _, ...metadata } = raw.metadata as StoredObject['metadata'] & {
    managedFields?: unknown
  }
  return { ...raw, metadata }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) deepFreeze(inner)
  }
  return value
}
