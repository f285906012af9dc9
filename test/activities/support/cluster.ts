import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { apiPath, apiVersionOf, type Kind } from '../../../k8s-bridge/api/kinds.ts'
import { json } from '../../bridge/support/api-stub.ts'

export interface Stored {
  metadata: {
    name: string
    namespace?: string
    uid: string
    resourceVersion: string
    generation: number
    labels?: Record<string, string>
    [field: string]: unknown
  }
  [field: string]: unknown
}

export interface Seen {
  method: string
  path: string
}

/** What is answered instead: a status of HTTP with its reason. Undefined: the stub answers itself. */
export type Answer = { code: number; reason: string } | undefined

type Body = { metadata?: Partial<Stored['metadata']>; [field: string]: unknown }
type Operation = { op: string; path: string; value: unknown }

/**
 * The objects of a cluster behind a real HTTP server: it creates, reads, lists, patches, applies and deletes as an API
 * server does, as far as the steps of a certificate need it, and misbehaves on demand.
 */
export class ClusterStub {
  readonly requests: Seen[] = []
  /** Asked before every request; may change objects, as another client would at that moment. */
  meddle: (request: Seen) => Answer = () => undefined
  readonly #objects = new Map<string, Stored>()
  #version = 100
  readonly #server = createServer((request, response) => void this.#serve(request, response))

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  get<T = Stored>(kind: Kind, namespace: string | undefined, name: string): T | undefined {
    return this.#objects.get(apiPath(kind, namespace, name)) as T | undefined
  }

  all<T = Stored>(kind: Kind, namespace?: string): T[] {
    return this.#below(apiPath(kind, namespace)) as T[]
  }

  /** Creates or replaces; another spec is another generation. */
  put(kind: Kind, object: Body & { metadata: { name: string; namespace?: string } }): Stored {
    const path = apiPath(kind, object.metadata.namespace, object.metadata.name)
    return this.#store(path, { apiVersion: apiVersionOf(kind), kind, ...object })
  }

  #store(path: string, object: Body): Stored {
    const before = this.#objects.get(path)
    const sameSpec = JSON.stringify(before?.['spec']) === JSON.stringify(object['spec'])
    const version = ++this.#version
    const metadata = {
      ...object.metadata,
      name: object.metadata?.name ?? '',
      uid: before?.metadata.uid ?? object.metadata?.uid ?? `uid-${version}`,
      resourceVersion: String(version),
      generation: before === undefined ? 1 : before.metadata.generation + (sameSpec ? 0 : 1),
    }
    const stored = { ...object, metadata }
    this.#objects.set(path, stored)
    return stored
  }

  #below(collection: string): Stored[] {
    return [...this.#objects].flatMap(([path, object]) => (path.startsWith(`${collection}/`) ? [object] : []))
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '/', this.url)
    const sent = await text(incoming)
    const seen = { method: incoming.method ?? '', path: url.pathname }
    this.requests.push(seen)
    const answer = this.meddle(seen)
    if (answer !== undefined) return refuse(response, answer.code, answer.reason, answer.reason)
    const body = sent === '' ? undefined : (JSON.parse(sent) as unknown)
    const [name, value] = url.searchParams.get('labelSelector')?.split('=') ?? []
    const labelled = ({ metadata }: Stored) => name === undefined || metadata.labels?.[name] === value
    this.#answer(seen, body, labelled, response)
  }

  #answer({ method, path }: Seen, body: unknown, labelled: (object: Stored) => boolean, to: ServerResponse) {
    const found = this.#objects.get(path.replace(/\/status$/, ''))
    if (method === 'POST') {
      const created = body as Body
      const at = `${path}/${created.metadata?.name}`
      if (this.#objects.has(at)) return refuse(to, 409, 'AlreadyExists', 'it exists')
      return json(to, 201, this.#store(at, created))
    }
    if (isCollection(path)) {
      const items = this.#below(path).filter(labelled)
      if (method === 'DELETE')
        for (const { metadata } of items) this.#objects.delete(`${path}/${metadata.name}`)
      return json(to, 200, { kind: 'List', metadata: { resourceVersion: String(this.#version) }, items })
    }
    if (method === 'PATCH' && !Array.isArray(body)) {
      const { metadata, ...fields } = body as Body
      return json(
        to,
        200,
        this.#store(path, { ...found, ...fields, metadata: { ...found?.metadata, ...metadata } }),
      )
    }
    if (found === undefined) return refuse(to, 404, 'NotFound', 'it does not exist')
    if (method === 'GET') return json(to, 200, found)
    if (method === 'DELETE') {
      const { uid } = (body as { preconditions?: { uid?: string } }).preconditions ?? {}
      if (uid !== undefined && uid !== found.metadata.uid)
        return refuse(to, 409, 'Conflict', `Precondition failed: UID in precondition: ${uid}`)
      this.#objects.delete(path)
      return json(to, 200, { kind: 'Status', status: 'Success' })
    }
    return this.#patch(path, found, body as Operation[], to)
  }

  #patch(path: string, found: Stored, operations: Operation[], to: ServerResponse): void {
    const { uid, resourceVersion } = found.metadata
    const known: Record<string, unknown> = {
      '/metadata/uid': uid,
      '/metadata/resourceVersion': resourceVersion,
    }
    let { status } = found
    for (const { op, path: field, value } of operations) {
      if (op === 'test' && known[field] !== value)
        return refuse(to, 422, 'Invalid', 'the server rejected our request due to an error in our request')
      if (op === 'add' && field === '/status') status = value
      else if (op !== 'test') throw new Error(`the stub cannot ${op} ${field}`)
    }
    json(to, 200, this.#store(path.replace(/\/status$/, ''), { ...found, status }))
  }
}

/** `/api/v1/…/secrets` as against `/api/v1/…/secrets/name`. */
function isCollection(path: string): boolean {
  const parts = path.split('/').slice(path.startsWith('/api/') ? 3 : 4)
  return (parts[0] === 'namespaces' && parts.length > 2 ? parts.slice(2) : parts).length === 1
}

function refuse(response: ServerResponse, code: number, reason: string, message: string): void {
  json(response, code, { kind: 'Status', code, reason, message, details: {} })
}
