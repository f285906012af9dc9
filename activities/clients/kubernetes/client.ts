import { setTimeout as wait } from 'node:timers/promises'
import { errorOf, isMissingObject } from './answer.ts'
import { KubernetesError } from './error.ts'
import { lines } from './lines.ts'
import { networkError, type Call, type Transport } from './transport.ts'
import type {
  DeleteOptions,
  JsonPatchOperation,
  Kubernetes,
  ListPage,
  Method,
  RawRequest,
  RequestOptions,
  WatchEvent,
  WatchOptions,
} from './types.ts'

const TIMEOUT = 15_000
const PAGE = '500'
const RETRIES = 3
/** Longer pauses that the server asks for are left to the caller, in seconds. */
const LONGEST_PAUSE = 10

const JSON_PATCH = 'application/json-patch+json'
const MERGE_PATCH = 'application/merge-patch+json'
// JSON is YAML: the server takes it under the only media type that it knows for server-side apply.
const APPLY_PATCH = 'application/apply-patch+yaml'

/** {@link Kubernetes} over kept connections. */
export class KubernetesClient implements Kubernetes {
  readonly server: string
  readonly #transport: Transport

  constructor(server: string, transport: Transport) {
    this.server = server
    this.#transport = transport
  }

  async get<T>(path: string, options: RequestOptions = {}): Promise<T | undefined> {
    try {
      return await this.request<T>('GET', path, options)
    } catch (error) {
      if (isMissingObject(error)) return undefined
      throw error
    }
  }

  async list<T>(
    path: string,
    query: Record<string, string> = {},
    options: RequestOptions = {},
  ): Promise<ListPage<T>> {
    try {
      return await this.#listPaged<T>(path, query, options)
    } catch (error) {
      // A later page has expired. Once in one piece always ends, where starting again could go on for ever.
      if (!(error instanceof KubernetesError) || error.status !== 410 || query['limit'] === '0') throw error
      return await this.#listPaged<T>(path, { ...query, limit: '0' }, options)
    }
  }

  async *pages<T>(
    path: string,
    query: Record<string, string> = {},
    options: RequestOptions = {},
  ): AsyncGenerator<ListPage<T>> {
    let token: string | undefined
    do {
      const page: Record<string, string> = { limit: PAGE, ...query }
      if (token) page['continue'] = token
      const answer = await this.request<{
        items?: T[]
        metadata?: { resourceVersion?: string; continue?: string }
      }>('GET', path, { ...options, query: page })
      yield { items: answer.items ?? [], resourceVersion: answer.metadata?.resourceVersion ?? '' }
      token = answer.metadata?.continue
    } while (token)
  }

  create<T>(path: string, body: object, options: RequestOptions = {}): Promise<T> {
    return this.request<T>('POST', path, { ...options, body })
  }

  apply<T>(
    path: string,
    body: object,
    options: RequestOptions & { fieldManager: string; force?: boolean },
  ): Promise<T> {
    const { fieldManager, force, ...rest } = options
    const query: Record<string, string> = { ...rest.query, fieldManager }
    if (force !== undefined) query['force'] = String(force)
    return this.request<T>('PATCH', path, { ...rest, query, body, contentType: APPLY_PATCH })
  }

  patch<T>(path: string, operations: JsonPatchOperation[], options: RequestOptions = {}): Promise<T> {
    return this.request<T>('PATCH', path, { ...options, body: operations, contentType: JSON_PATCH })
  }

  merge<T>(path: string, body: object, options: RequestOptions = {}): Promise<T> {
    return this.request<T>('PATCH', path, { ...options, body, contentType: MERGE_PATCH })
  }

  replace<T>(path: string, body: object, options: RequestOptions = {}): Promise<T> {
    return this.request<T>('PUT', path, { ...options, body })
  }

  async delete(path: string, options: DeleteOptions = {}): Promise<boolean> {
    const { uid, resourceVersion, propagationPolicy, ...rest } = options
    const preconditions = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) }
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      ...(Object.keys(preconditions).length > 0 && { preconditions }),
      ...(propagationPolicy && { propagationPolicy }),
    }
    try {
      await this.request('DELETE', path, { ...rest, body })
      return true
    } catch (error) {
      if (!(error instanceof KubernetesError)) throw error
      if (error.status === 404 || (error.status === 409 && error.isPreconditionFailed)) return false
      throw error
    }
  }

  async deleteCollection(path: string, { labelSelector }: { labelSelector: string }): Promise<void> {
    await this.request('DELETE', path, { query: { labelSelector } })
  }

  async watch(
    path: string,
    query: Record<string, string>,
    options: WatchOptions,
  ): Promise<AsyncIterable<WatchEvent>> {
    const call: Call = {
      method: 'GET',
      path,
      query: { ...query, watch: 'true' },
      headers: { accept: options.accept ?? 'application/json' },
      signal: options.signal,
      lane: 'watches',
    }
    const answer = await this.#transport.send(call)
    if (answer.statusCode >= 400) {
      try {
        throw await errorOf(call, answer)
      } catch (cause) {
        throw networkError(call, cause)
      }
    }
    return events(call, answer.body)
  }

  async request<T>(method: Method, path: string, options: RawRequest = {}): Promise<T> {
    const retries = options.retries ?? RETRIES
    let reconnected = false
    for (let tries = 0; ; tries++) {
      try {
        return await this.#once<T>(method, path, options)
      } catch (error) {
        if (!(error instanceof KubernetesError)) throw error
        if (method === 'GET' && error.reason === 'ConnectionReset' && !reconnected) {
          reconnected = true
          continue
        }
        const pause = error.retryAfterSeconds
        const asked = (error.status === 429 || error.status === 503) && pause !== undefined
        if (!asked || tries >= retries || pause > LONGEST_PAUSE) throw error
        await wait(pause * 1000, undefined, options.signal && { signal: options.signal })
      }
    }
  }

  close(): Promise<void> {
    return this.#transport.close()
  }

  async #listPaged<T>(
    path: string,
    query: Record<string, string>,
    options: RequestOptions,
  ): Promise<ListPage<T>> {
    const items: T[] = []
    let resourceVersion: string | undefined
    for await (const page of this.pages<T>(path, query, options)) {
      for (const item of page.items) items.push(item)
      resourceVersion ??= page.resourceVersion
    }
    return { items, resourceVersion: resourceVersion ?? '' }
  }

  async #once<T>(method: Method, path: string, options: RawRequest): Promise<T> {
    const limit = new AbortController()
    const milliseconds = options.timeout ?? TIMEOUT
    const timer = setTimeout(() => {
      const message = `the API server did not answer within ${milliseconds} ms`
      limit.abort(new KubernetesError({ status: 0, reason: 'Timeout', message, method, path }))
    }, milliseconds)
    const call: Call = {
      method,
      path,
      headers: { accept: options.accept ?? 'application/json' },
      signal: options.signal ? AbortSignal.any([limit.signal, options.signal]) : limit.signal,
      lane: options.lane ?? 'calls',
    }
    if (options.query) call.query = options.query
    if (options.body !== undefined) {
      call.body = JSON.stringify(options.body)
      call.headers = { ...call.headers, 'content-type': options.contentType ?? 'application/json' }
    }
    try {
      const answer = await this.#transport.send(call)
      if (answer.statusCode >= 400) throw await errorOf(call, answer)
      return parse<T>(call, await answer.body.text())
    } catch (cause) {
      throw networkError(call, cause)
    } finally {
      clearTimeout(timer)
    }
  }
}

async function* events(call: Call, body: AsyncIterable<Uint8Array>): AsyncGenerator<WatchEvent> {
  try {
    for await (const line of lines(body)) yield parse<WatchEvent>(call, line)
  } catch (cause) {
    throw networkError(call, cause)
  }
}

function parse<T>(call: Call, text: string): T {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as T
  } catch {
    // Told below, without the text: it may be half a Secret.
  }
  const { method, path } = call
  const message = 'the answer of the API server is no JSON object'
  throw new KubernetesError({ status: 0, reason: 'MalformedResponse', message, method, path })
}
