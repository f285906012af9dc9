import { open, stat } from 'node:fs/promises'
import type { World } from '../../support/world.ts'

interface AuditLine {
  verb: string
  user: { username: string }
  objectRef?: { resource?: string; subresource?: string; namespace?: string; name?: string }
}

const writing = ['create', 'update', 'patch', 'delete', 'deletecollection']

/** What certloom writes from now on, whether it changes anything or not. */
export class AuditLog {
  readonly #path: string
  readonly #from: number

  private constructor(path: string, from: number) {
    this.#path = path
    this.#from = from
  }

  static async start(world: World): Promise<AuditLog> {
    const path = world.servers.kubernetes.auditLogPath
    if (path === undefined) throw new Error('the API server was started without an audit log')
    return new AuditLog(path, (await stat(path)).size)
  }

  /** Requests of the service account that write, as `verb resource/subresource namespace/name`. */
  async writes(): Promise<string[]> {
    const file = await open(this.#path)
    const lines: string[] = []
    try {
      for await (const line of file.readLines({ start: this.#from })) if (line.endsWith('}')) lines.push(line)
    } finally {
      await file.close()
    }
    return lines
      .map((line) => JSON.parse(line) as AuditLine)
      .filter(
        ({ verb, user }) =>
          writing.includes(verb) && user.username.startsWith('system:serviceaccount:cert-manager:'),
      )
      .map(({ verb, objectRef = {} }) => {
        const { resource = '', subresource, namespace = '', name = '' } = objectRef
        return `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`} ${namespace}/${name}`
      })
  }
}
