/** Where the API server is and how to speak to it; without any: KUBECONFIG, ~/.kube/config, in-cluster. */
export interface KubernetesOptions {
  /** Path of a kubeconfig file. */
  kubeconfig?: string
  /** Name of a context of the kubeconfig; default: its current-context. */
  context?: string
  /** URL of the API server, instead of a kubeconfig. */
  endpoint?: string
  /** Paths of PEM files for `endpoint`: client certificate, its key, the CA of the server. */
  tls?: { cert: string; key: string; ca: string }
  userAgent?: string
}

/**
 * Which pool of connections carries a call. `lease` is apart, so that neither a burst of writes nor a hung call can
 * delay the renewal of the Lease.
 */
export type Lane = 'calls' | 'watches' | 'lease'

export interface RequestOptions {
  query?: Record<string, string>
  /** Media type asked for; default `application/json`. */
  accept?: string
  signal?: AbortSignal
  /** Milliseconds for one try, from sending to the last byte of the answer; default 15,000. */
  timeout?: number
  lane?: Exclude<Lane, 'watches'>
  /** How often a 429 or 503 with Retry-After is followed by another try; default 3. */
  retries?: number
}

export interface RawRequest extends RequestOptions {
  body?: unknown
  /** Media type of `body`; default `application/json`. */
  contentType?: string
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** RFC 6902. */
export type JsonPatchOperation =
  | { op: 'add' | 'replace' | 'test'; path: string; value: unknown }
  | { op: 'remove'; path: string }
  | { op: 'move' | 'copy'; from: string; path: string }

export interface ListPage<T> {
  items: T[]
  resourceVersion: string
}

/** One line of a watch. The object of ERROR is a `Status`, that of BOOKMARK carries a resourceVersion only. */
export interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  object: unknown
}

export interface WatchOptions {
  accept?: string
  signal: AbortSignal
}

export interface DeleteOptions extends RequestOptions {
  /** Delete only the object with this uid: one made anew under the same name stays. */
  uid?: string
  resourceVersion?: string
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
}

/**
 * The Kubernetes API over a few kept connections. Every method throws `KubernetesError`; a call that its own
 * `signal` ended throws the signal's reason. Paths are checked, names in them must have been before: use `apiPath`.
 */
export interface Kubernetes {
  /** Base URL of the API server. */
  readonly server: string
  /** The object, or undefined where it does not exist; a resource that is not served at all is an error (404). */
  get<T>(path: string, options?: RequestOptions): Promise<T | undefined>
  /** All objects, read in pages of 500 of one consistent snapshot. */
  list<T>(path: string, query?: Record<string, string>, options?: RequestOptions): Promise<ListPage<T>>
  /** As `list`, page by page. Throws 410 where a later page has expired: start again. */
  pages<T>(path: string, query?: Record<string, string>, options?: RequestOptions): AsyncIterable<ListPage<T>>
  /** POST; an object of that name makes it fail with status 409, reason AlreadyExists. */
  create<T>(path: string, body: object, options?: RequestOptions): Promise<T>
  /** Server-side apply: creates or updates what `fieldManager` owns. */
  apply<T>(
    path: string,
    body: object,
    options: RequestOptions & { fieldManager: string; force?: boolean },
  ): Promise<T>
  /** JSON patch (RFC 6902); a failed `test` is status 422 with `isPreconditionFailed`. */
  patch<T>(path: string, operations: JsonPatchOperation[], options?: RequestOptions): Promise<T>
  /** JSON merge patch (RFC 7396). */
  merge<T>(path: string, body: object, options?: RequestOptions): Promise<T>
  /** PUT; status 409, reason Conflict, where the resourceVersion in the body is not the current one. */
  replace<T>(path: string, body: object, options?: RequestOptions): Promise<T>
  /** False where the object, or the one with that uid, does not exist. */
  delete(path: string, options?: DeleteOptions): Promise<boolean>
  /** Deletes all objects of a collection that the selector names, in one call. */
  deleteCollection(path: string, query: { labelSelector: string }): Promise<void>
  /**
   * Opens a watch and resolves with the first byte of the answer. The iteration ends when the server closes in order
   * and throws on a broken connection or a line that is no event. No time limit of its own: use `signal`.
   */
  watch(
    path: string,
    query: Record<string, string>,
    options: WatchOptions,
  ): Promise<AsyncIterable<WatchEvent>>
  /** Any call, for what the other methods do not say. */
  request<T>(method: Method, path: string, options?: RawRequest): Promise<T>
  /** Ends every call and watch and closes all connections; calls after it fail with reason Closed. */
  close(): Promise<void>
}
