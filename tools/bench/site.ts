import { join } from 'node:path'
import type { Client } from '@temporalio/client'
import type { Kubernetes } from '../../activities/clients/kubernetes.ts'
import { apiPath, apiVersionOf, type Kind } from '../../k8s-bridge/api/kinds.ts'
import { installPlugin } from '../plugins/install.ts'
import type { Servers } from '../servers/handle.ts'

/** What measuring needs: the servers and an administrator's clients. Certloom runs elsewhere. */
export interface Site {
  readonly servers: Servers
  readonly kubernetes: Kubernetes
  /** Of the namespace in which certloom works. */
  readonly temporal: Client
  /** Where certloom looks for exec plugins. */
  readonly pluginDirectory: string
}

/** Where the Secrets of ClusterIssuers are. */
const RESOURCE_NAMESPACE = 'cert-manager'

interface AnyObject {
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly [field: string]: unknown
}

/** As `kubectl apply --server-side` does. */
export async function apply(site: Pick<Site, 'kubernetes'>, kind: Kind, object: AnyObject): Promise<void> {
  const { namespace, name } = object.metadata
  const body = { apiVersion: apiVersionOf(kind), kind, ...object }
  const options = { fieldManager: 'certloom-bench', force: true }
  await site.kubernetes.apply(apiPath(kind, namespace, name), body, options)
}

let namespaces = 0

/** A namespace of its own, so that what is written there can be told from everything else. */
export async function newNamespace(site: Site, prefix: string): Promise<string> {
  const name = `${prefix}-${process.pid}-${++namespaces}`
  await apply(site, 'Namespace', { metadata: { name } })
  return name
}

/** A plugin, writing to the name servers of the site. */
export async function installFixturePlugin(site: Site, source: string): Promise<string> {
  const name = 'bench-dns'
  await installPlugin(source, site.pluginDirectory, name)
  const configuration = JSON.stringify({ url: site.servers.dns.controlUrl })
  await apply(site, 'Secret', {
    metadata: { namespace: RESOURCE_NAMESPACE, name },
    stringData: { 'config.json': configuration },
  })
  return name
}

export interface IssuerReference {
  readonly kind: 'ClusterIssuer'
  readonly name: string
}

export async function selfSignedIssuer(site: Site, name: string): Promise<IssuerReference> {
  return readyIssuer(site, name, { selfSigned: {} })
}

/** A CA whose own certificate certloom issues, with an ECDSA key. */
export async function caIssuer(site: Site, name: string, root: IssuerReference): Promise<IssuerReference> {
  await apply(site, 'Certificate', {
    metadata: { namespace: RESOURCE_NAMESPACE, name },
    spec: {
      secretName: name,
      isCA: true,
      commonName: name,
      privateKey: { algorithm: 'ECDSA' },
      issuerRef: root,
    },
  })
  return readyIssuer(site, name, { ca: { secretName: name } })
}

/** An issuer at an ACME server whose names an exec plugin proves. */
export async function acmeIssuer(
  site: Site,
  name: string,
  { server, plugin }: { server: string; plugin: string },
): Promise<IssuerReference> {
  const config = { plugin, secretRef: { name: plugin, key: 'config.json' } }
  return readyIssuer(site, name, {
    acme: {
      server,
      caBundle: Buffer.from(site.servers.pebble.caPem).toString('base64'),
      privateKeySecretRef: { name: `${name}-account` },
      solvers: [{ dns01: { webhook: { groupName: 'certloom.dev', solverName: 'exec', config } } }],
    },
  })
}

async function readyIssuer(site: Site, name: string, spec: object): Promise<IssuerReference> {
  await apply(site, 'ClusterIssuer', { metadata: { name }, spec })
  await untilReady(site, name)
  return { kind: 'ClusterIssuer', name }
}

interface Conditioned {
  readonly metadata: { readonly name: string }
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
}

async function untilReady({ kubernetes }: Site, name: string): Promise<void> {
  const end = AbortSignal.timeout(60_000)
  const { items, resourceVersion } = await kubernetes.list<Conditioned>(apiPath('ClusterIssuer'))
  if (items.some((one) => one.metadata.name === name && isReady(one))) return
  const stream = await kubernetes.watch(apiPath('ClusterIssuer'), { resourceVersion }, { signal: end })
  for await (const { object } of stream) {
    const issuer = object as Conditioned
    if (issuer.metadata.name === name && isReady(issuer)) return
  }
  throw new Error(`ClusterIssuer ${name}: the watch ended before it was Ready`)
}

function isReady({ status }: Conditioned): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

/** Path of the plugin of the bench. */
export const fixturePlugin = join(import.meta.dirname, 'dns-plugin.sh')
