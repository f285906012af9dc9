import { open, stat } from 'node:fs/promises'
import type { KubernetesFacts } from '../servers/facts.ts'

/** One request of certloom to the API server, as the audit log has it. */
export interface ApiRequest {
  /** As Kubernetes says it: get, list, watch, create, update, patch, delete, deletecollection. */
  readonly verb: string
  /** `certificates` or, with a subresource, `certificates/status`. */
  readonly resource: string
  /** '' for objects of the cluster. */
  readonly namespace: string
  readonly name: string
  /** HTTP status of the answer. */
  readonly code: number
}

interface AuditEvent {
  verb: string
  userAgent?: string
  objectRef?: { resource?: string; subresource?: string; namespace?: string; name?: string }
  responseStatus?: { code?: number }
}

/** How certloom's processes name themselves to the API server. */
const OURS = 'certloom/'
const WRITING = ['create', 'update', 'patch', 'delete', 'deletecollection']

/**
 * What certloom asks of the API server from now on, told by its user agent. Nothing is missing that was answered: the
 * server writes a line before it answers.
 */
export class AuditLog {
  readonly #path: string
  readonly #from: { readonly ino: number; readonly size: number }

  private constructor(path: string, from: { ino: number; size: number }) {
    this.#path = path
    this.#from = from
  }

  /** @throws Error if the servers were started without `audit` */
  static async start(servers: {
    readonly kubernetes: Pick<KubernetesFacts, 'auditLogPath'>
  }): Promise<AuditLog> {
    const path = servers.kubernetes.auditLogPath
    if (path === undefined) throw new Error('the API server was started without an audit log')
    return new AuditLog(path, await stat(path))
  }

  /** @throws Error if the file was begun anew: what stood in the old one would be missing */
  async requests(): Promise<ApiRequest[]> {
    const requests: ApiRequest[] = []
    await using file = await open(this.#path)
    const { ino, size } = await file.stat()
    if (ino !== this.#from.ino || size < this.#from.size)
      throw new Error(
        `${this.#path} was begun anew: the API server rotated its audit log, or its data was wiped`,
      )
    for await (const line of file.readLines({ start: this.#from.size, autoClose: false })) {
      // The last line may be half written, and most lines are not about us.
      if (!line.endsWith('}') || !line.includes(OURS)) continue
      const event = JSON.parse(line) as AuditEvent
      if (event.userAgent?.startsWith(OURS)) requests.push(requestOf(event))
    }
    return requests
  }

  /** Requests that write, whether they changed anything or not. */
  async writes(): Promise<ApiRequest[]> {
    return (await this.requests()).filter(isWrite)
  }
}

export function isWrite({ verb }: ApiRequest): boolean {
  return WRITING.includes(verb)
}

function requestOf({ verb, objectRef = {}, responseStatus }: AuditEvent): ApiRequest {
  const { resource = '', subresource, namespace = '', name = '' } = objectRef
  return {
    verb,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    namespace,
    name,
    code: responseStatus?.code ?? 0,
  }
}
