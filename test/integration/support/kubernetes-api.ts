import { readFile } from 'node:fs/promises'
import { Agent, request, type RequestOptions } from 'node:https'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { parse } from 'yaml'

export interface ApiAnswer {
  status: number
  headers: IncomingHttpHeaders
  /** The parsed JSON, or the text if it is none. */
  body: unknown
}

export interface ApiCall {
  body?: unknown
  contentType?: string
  accept?: string
}

interface Kubeconfig {
  clusters: { cluster: { server: string; 'certificate-authority-data': string } }[]
  users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[]
}

/** The API server as its administrator sees it, on plain node:https so that no code of ours is between. */
export class KubernetesApi {
  readonly #server: string
  readonly #agent: Agent

  constructor(server: string, agent: Agent) {
    this.#server = server
    this.#agent = agent
  }

  /** @param kubeconfigPath a kubeconfig with one cluster and one user with a client certificate, all inline */
  static async connect(kubeconfigPath: string): Promise<KubernetesApi> {
    const kubeconfig = parse(await readFile(kubeconfigPath, 'utf8')) as Kubeconfig
    const cluster = kubeconfig.clusters[0]?.cluster
    const user = kubeconfig.users[0]?.user
    if (cluster === undefined || user === undefined)
      throw new Error(`${kubeconfigPath} has no cluster or no user`)
    const agent = new Agent({
      keepAlive: true,
      ca: decode(cluster['certificate-authority-data']),
      cert: decode(user['client-certificate-data']),
      key: decode(user['client-key-data']),
    })
    return new KubernetesApi(cluster.server, agent)
  }

  async call(method: string, path: string, options: ApiCall = {}): Promise<ApiAnswer> {
    const response = await this.#send(method, path, options, 30_000)
    const received = await text(response)
    const isJson = response.headers['content-type']?.includes('json') === true
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: isJson ? (JSON.parse(received) as unknown) : received,
    }
  }

  /** Server-side apply; conflicts are overridden. */
  apply(path: string, object: unknown, fieldManager: string): Promise<ApiAnswer> {
    return this.call('PATCH', `${path}?force=true&fieldManager=${encodeURIComponent(fieldManager)}`, {
      body: object,
      contentType: 'application/apply-patch+yaml',
    })
  }

  /** Watches one object of a collection until `fact` holds. @throws Error if it does not within `seconds` */
  async watchUntil(
    collection: string,
    name: string,
    fact: (object: unknown) => boolean,
    seconds = 30,
  ): Promise<void> {
    const path = `${collection}?watch=1&timeoutSeconds=${seconds}&fieldSelector=metadata.name%3D${name}`
    const response = await this.#send('GET', path, {}, (seconds + 5) * 1000)
    try {
      for await (const line of createInterface({ input: response })) {
        const event = JSON.parse(line) as { type: string; object: unknown }
        if (event.type !== 'DELETED' && fact(event.object)) return
      }
    } finally {
      response.destroy()
    }
    throw new Error(`${collection}/${name} did not become what was waited for within ${seconds} s`)
  }

  close(): void {
    this.#agent.destroy()
  }

  #send(method: string, path: string, { body, contentType, accept }: ApiCall, timeoutMs: number) {
    return new Promise<IncomingMessage>((resolve, reject) => {
      const options: RequestOptions = {
        method,
        agent: this.#agent,
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          accept: accept ?? 'application/json',
          ...(body === undefined ? {} : { 'content-type': contentType ?? 'application/json' }),
        },
      }
      const sent = request(this.#server + path, options, resolve)
      sent.on('error', reject)
      sent.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }
}

function decode(base64: string): Buffer {
  return Buffer.from(base64, 'base64')
}
