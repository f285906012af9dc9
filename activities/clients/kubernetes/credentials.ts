import { createHash } from 'node:crypto'
import type { RequestOptions as HttpsOptions } from 'node:https'
import { KubeConfig } from '@kubernetes/client-node'
import { KubernetesError } from './error.ts'
import type { KubernetesOptions } from './types.ts'

/** How long headers and TLS material are used before files are looked at again, in milliseconds. */
const REREAD = 30_000

export interface TlsMaterial {
  ca?: Buffer | string
  cert?: Buffer | string
  key?: Buffer | string
  servername?: string
  rejectUnauthorized?: boolean
}

export interface Authorization {
  headers: Record<string, string>
  tls: TlsMaterial
  /** Changes with the TLS material: connections that were made with another mark are to be replaced. */
  mark: string
}

/**
 * What the kubeconfig or the service account says about us. Tokens and certificates rotate: files are read again
 * after half a minute and after a 401.
 */
export class Credentials {
  readonly server: URL
  readonly proxyUrl: string | undefined
  readonly #options: KubernetesOptions
  #config: KubeConfig
  #current: Promise<Authorization> | undefined
  #readAt = 0

  constructor(options: KubernetesOptions) {
    this.#options = options
    this.#config = loadConfig(options)
    const cluster = this.#config.getCurrentCluster()
    if (!cluster)
      throw invalid(`the kubeconfig has no cluster for context "${this.#config.getCurrentContext()}"`)
    try {
      this.server = new URL(cluster.server)
    } catch {
      throw invalid(`cluster.server "${cluster.server}" is no URL: write https://host:port`)
    }
    if (cluster.server === 'http://localhost:8080' && !options.endpoint)
      throw invalid('no cluster is configured: set KUBECONFIG, or run with a service account in a cluster')
    if (this.server.protocol === 'http:' && !cluster.skipTLSVerify)
      throw invalid(
        `cluster.server "${cluster.server}" is not https: use https, or set insecure-skip-tls-verify: true`,
      )
    this.proxyUrl = cluster.proxyUrl || undefined
  }

  /** Headers and TLS material for the next call; runs the exec plug-in of the kubeconfig where it has one. */
  async current(): Promise<Authorization> {
    if (this.#current === undefined || performance.now() - this.#readAt > REREAD) {
      this.#readAt = performance.now()
      if (!this.#keepsExecToken()) this.#reload()
      this.#current = this.#read()
    }
    const current = this.#current
    try {
      return await current
    } catch (cause) {
      // The texts of client-node may contain what a plug-in printed, so only the kind of the failure is told.
      if (this.#current === current) this.#current = undefined
      throw failure('CredentialsFailed', unreadable(this.#options, codeOf(cause)))
    }
  }

  /** After a 401: reads everything anew with the next call, once a second at most. False where that is too soon. */
  refresh(): boolean {
    if (performance.now() - this.#readAt < 1000) return false
    this.#reload()
    this.#current = undefined
    return true
  }

  /** client-node keeps an exec token until it expires, inside the object that a reload would throw away. */
  #keepsExecToken(): boolean {
    const user = this.#config.getCurrentUser()
    return Boolean(user?.exec ?? user?.authProvider)
  }

  #reload(): void {
    try {
      this.#config = loadConfig(this.#options)
    } catch {
      // A file that is being replaced may be absent or half written: what we have is used until it can be read.
    }
  }

  async #read(): Promise<Authorization> {
    const options: HttpsOptions & { servername?: string } = {}
    await this.#config.applyToHTTPSOptions(options)
    const headers: Record<string, string> = {}
    for (const [name, value] of Object.entries(options.headers ?? {})) headers[name] = String(value).trim()
    if (options.auth) headers['Authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`
    const tls: TlsMaterial = {}
    if (options.ca) tls.ca = options.ca as Buffer
    if (options.cert) tls.cert = options.cert as Buffer
    if (options.key) tls.key = options.key as Buffer
    if (options.servername) tls.servername = options.servername
    if (options.rejectUnauthorized !== undefined) tls.rejectUnauthorized = options.rejectUnauthorized
    const hash = createHash('sha256')
    for (const part of [tls.ca, tls.cert, tls.key]) hash.update(part ?? '').update('\0')
    return { headers, tls, mark: hash.digest('hex') }
  }
}

function unreadable({ endpoint, tls }: KubernetesOptions, code: string): string {
  if (endpoint === undefined || tls === undefined)
    return `the credentials of the kubeconfig cannot be read (${code})`
  return `the files of tls cannot be read (${code}): name PEM files that are there, now ${tls.cert}, ${tls.key} and ${tls.ca}`
}

function loadConfig(options: KubernetesOptions): KubeConfig {
  const config = new KubeConfig()
  const source = options.kubeconfig ?? 'KUBECONFIG, ~/.kube/config or the service account'
  try {
    if (options.endpoint !== undefined) loadEndpoint(config, options.endpoint, options.tls)
    else if (options.kubeconfig !== undefined) config.loadFromFile(options.kubeconfig)
    else config.loadFromDefault()
  } catch (cause) {
    // YAML errors quote the lines around the fault, which may be a token.
    throw invalid(`${source} cannot be read (${codeOf(cause)}): name a kubeconfig file that is valid YAML`)
  }
  if (options.context !== undefined) {
    if (!config.getContextObject(options.context))
      throw invalid(`context "${options.context}" is not in ${source}: name one of ${contextNames(config)}`)
    config.setCurrentContext(options.context)
  }
  return config
}

function loadEndpoint(config: KubeConfig, server: string, tls: KubernetesOptions['tls']): void {
  config.loadFromClusterAndUser(
    // Plain http is refused by client-node unless verification is off; there is nothing to verify on it.
    { name: 'endpoint', server, skipTLSVerify: server.startsWith('http:'), ...(tls && { caFile: tls.ca }) },
    { name: 'endpoint', ...(tls && { certFile: tls.cert, keyFile: tls.key }) },
  )
}

function contextNames(config: KubeConfig): string {
  return (
    config
      .getContexts()
      .map((context) => context.name)
      .join(', ') || 'none (the file has no contexts)'
  )
}

function codeOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown error'
  if (/^(clusters|users|contexts)\[\d+\]/.test(cause.message)) return cause.message
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name
}

function invalid(message: string): KubernetesError {
  return failure('InvalidConfiguration', message)
}

function failure(reason: string, message: string): KubernetesError {
  return new KubernetesError({ status: 0, reason, message, method: '', path: '' })
}
