import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Certificate } from '../../../k8s-bridge/api/certificate.ts'
import { apiPath, apiVersionOf, type Kind } from '../../../k8s-bridge/api/kinds.ts'
import { cmctlRenew } from '../../../tools/certloom/cmctl.ts'
import { installPlugin } from '../../../tools/plugins/install.ts'
import { Lab, openParts } from './lab.ts'

export { TEMPORAL_NAMESPACE } from './lab.ts'

export interface AnyObject {
  metadata: Record<string, unknown> & {
    name: string
    namespace?: string
    uid?: string
    resourceVersion?: string
  }
  spec?: unknown
  status?: { conditions?: { type: string; status: string; reason?: string; message?: string }[] } & Record<
    string,
    unknown
  >
  data?: Record<string, string>
}

export interface EventLine {
  kind: string
  name: string
  type: string
  reason: string
  message: string
}

/**
 * Everything that a test on real servers needs: a lab, objects in the cluster as people apply them, and an ACME issuer
 * whose plugin writes to the DNS fixture.
 */
export class World extends Lab {
  #names = 0

  static async open(): Promise<World> {
    return new World(await openParts())
  }

  /** A namespace of its own, so that tests cannot meet. */
  async namespace(prefix = 'test'): Promise<string> {
    const name = `${prefix}-${process.pid}-${++this.#names}-${Date.now().toString(36)}`
    await this.create('Namespace', { metadata: { name } })
    return name
  }

  create<T = AnyObject>(kind: Kind, object: { metadata: object; [field: string]: unknown }): Promise<T> {
    const { namespace } = object.metadata as { namespace?: string }
    return this.kubernetes.create<T>(apiPath(kind, namespace), {
      apiVersion: apiVersionOf(kind),
      kind,
      ...object,
    })
  }

  /** As `kubectl apply` does. */
  apply<T = AnyObject>(kind: Kind, object: { metadata: object; [field: string]: unknown }): Promise<T> {
    const { namespace, name } = object.metadata as { namespace?: string; name: string }
    const body = { apiVersion: apiVersionOf(kind), kind, ...object }
    return this.kubernetes.apply<T>(apiPath(kind, namespace, name), body, {
      fieldManager: 'kubectl',
      force: true,
    })
  }

  get<T = AnyObject>(kind: Kind, namespace: string | undefined, name: string): Promise<T | undefined> {
    return this.kubernetes.get<T>(apiPath(kind, namespace, name))
  }

  remove(kind: Kind, namespace: string | undefined, name: string): Promise<boolean> {
    return this.kubernetes.delete(apiPath(kind, namespace, name))
  }

  secret(namespace: string, name: string, data: Record<string, string>): Promise<AnyObject> {
    return this.apply('Secret', { metadata: { namespace, name }, stringData: data })
  }

  /** Waits until an object is as it should be. */
  untilObject<T = AnyObject>(
    kind: Kind,
    namespace: string | undefined,
    name: string,
    what: string,
    fact: (object: T) => boolean,
    seconds = 30,
  ): Promise<T> {
    let last: T | undefined
    return this.until(`${kind} ${name}: ${what}`, seconds, async () => {
      last = await this.get<T>(kind, namespace, name)
      return last !== undefined && fact(last) ? last : undefined
    }).catch((error: unknown) => {
      const status = (last as AnyObject | undefined)?.status
      throw new Error(`${(error as Error).message}; last status: ${JSON.stringify(status)}`, { cause: error })
    })
  }

  untilGone(kind: Kind, namespace: string | undefined, name: string, seconds = 30): Promise<true> {
    return this.until(
      `${kind} ${name} gone`,
      seconds,
      async () => (await this.get(kind, namespace, name)) === undefined,
    )
  }

  /** Waits until a Certificate is Ready at a revision (any, if none is given) and nothing is being issued. */
  ready(
    namespace: string,
    name: string,
    options: { revision?: number; seconds?: number } = {},
  ): Promise<Certificate> {
    const { revision, seconds = 30 } = options
    return this.untilObject<Certificate>(
      'Certificate',
      namespace,
      name,
      `Ready${revision === undefined ? '' : ` at revision ${revision}`}`,
      (one) =>
        condition(one, 'Ready')?.status === 'True' &&
        condition(one, 'Ready')?.observedGeneration === one.metadata.generation &&
        condition(one, 'Issuing') === undefined &&
        (revision === undefined || one.status?.revision === revision),
      seconds,
    )
  }

  /** The events of an object, in the order in which `kubectl describe` lists them. */
  async events(namespace: string, kind: string, name: string): Promise<EventLine[]> {
    interface Event {
      metadata: { name: string }
      involvedObject: { kind: string; name: string }
      type: string
      reason: string
      message: string
      firstTimestamp: string
    }
    const { items } = await this.kubernetes.list<Event>(apiPath('Event', namespace))
    return items
      .filter((event) => event.involvedObject.kind === kind && event.involvedObject.name === name)
      .sort((a, b) => order(a.firstTimestamp, b.firstTimestamp) || order(a.metadata.name, b.metadata.name))
      .map(({ type, reason, message, involvedObject }) => ({ ...involvedObject, type, reason, message }))
  }

  /** Sets Issuing=True as `cmctl renew` does: an Update of the status. */
  cmctlRenew(namespace: string, name: string): Promise<void> {
    return cmctlRenew(this.kubernetes, namespace, name)
  }

  /** Ids of open workflows whose id begins so. */
  async openWorkflows(prefix: string): Promise<string[]> {
    const found: string[] = []
    for await (const { workflowId } of this.temporal.workflow.list({ query: 'ExecutionStatus="Running"' })) {
      if (workflowId.startsWith(prefix)) found.push(workflowId)
    }
    return found
  }

  // --- ACME with the exec plugin that writes to the DNS fixture ---

  /** Installs our example plugin and a Secret with its configuration; returns the file with its log of calls. */
  async fixturePlugin(name = 'fixture-dns', secretNamespace = 'cert-manager'): Promise<string> {
    const source = new URL('../../../examples/plugins/fixture-dns.mjs', import.meta.url).pathname
    await installPlugin(source, this.pluginDirectory, name)
    const log = join(this.folder, `${name}.jsonl`)
    await this.secret(secretNamespace, name, {
      'config.json': JSON.stringify({ url: this.servers.dns.controlUrl, log }),
    })
    return log
  }

  async pluginCalls(log: string): Promise<{ command: string; fqdn: string; token: string; at: string }[]> {
    const text = await readFile(log, 'utf8').catch(() => '')
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { command: string; fqdn: string; token: string; at: string })
  }

  /** A ClusterIssuer at Pebble that proves names through an exec plugin. */
  acmeIssuer(
    name: string,
    options: { plugin?: string; config?: object; acme?: object; server?: string } = {},
  ): Promise<AnyObject> {
    const { plugin = 'fixture-dns', config, acme, server } = options
    return this.apply('ClusterIssuer', {
      metadata: { name },
      spec: {
        acme: {
          server: server ?? this.servers.pebble.directoryUrl,
          caBundle: Buffer.from(this.servers.pebble.caPem).toString('base64'),
          privateKeySecretRef: { name: `${name}-account` },
          solvers: [
            {
              dns01: {
                webhook: {
                  groupName: 'certloom.dev',
                  solverName: 'exec',
                  config: config ?? { plugin, secretRef: { name: plugin, key: 'config.json' } },
                },
              },
            },
          ],
          ...acme,
        },
      },
    })
  }

  certificate(namespace: string, name: string, spec: object): Promise<Certificate> {
    return this.apply<Certificate>('Certificate', {
      metadata: { namespace, name },
      spec: { secretName: `${name}-tls`, privateKey: { algorithm: 'ECDSA' }, ...spec },
    })
  }
}

export function condition(object: Pick<Certificate, 'status'>, type: string) {
  return object.status?.conditions?.find((one) => one.type === type)
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
