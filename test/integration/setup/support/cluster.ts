import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { connectKubernetes, type Kubernetes } from '../../../../activities/clients/kubernetes.ts'
import { setup } from '../../../../cli/setup/setup.ts'
import { apiPath, apiVersionOf, kinds, type Kind } from '../../../../k8s-bridge/api/kinds.ts'
import { KubernetesApi, type ApiAnswer } from '../../support/kubernetes-api.ts'
import { testServers } from '../../support/servers.ts'

const servers = await testServers()

/** A cluster with certloom's policies and rights, and a namespace of our own in it. */
export class TestCluster implements AsyncDisposable {
  /** The administrator, on plain node:https. */
  readonly api: KubernetesApi
  /** The administrator, through our client. */
  readonly kubernetes: Kubernetes
  readonly namespace: string
  readonly #undo: (() => Promise<unknown>)[] = []

  private constructor(api: KubernetesApi, kubernetes: Kubernetes, namespace: string) {
    this.api = api
    this.kubernetes = kubernetes
    this.namespace = namespace
  }

  static async open(): Promise<TestCluster> {
    const kubeconfig = servers.kubernetes.adminKubeconfigPath
    const kubernetes = await connectKubernetes({ kubeconfig })
    const cluster = new TestCluster(
      await KubernetesApi.connect(kubeconfig),
      kubernetes,
      `setup-${randomUUID().slice(0, 8)}`,
    )
    await setup({ kubernetes, log: () => undefined })
    await cluster.make('/api/v1/namespaces', { metadata: { name: cluster.namespace } })
    return cluster
  }

  /** Creates an object that is deleted at the end. */
  async make(collection: string, object: object & { metadata: { name: string } }): Promise<void> {
    await this.kubernetes.create(collection, object)
    this.#undo.push(() => this.kubernetes.delete(`${collection}/${object.metadata.name}`))
  }

  /** Creates an object of a kind of ours; a dry run unless a name is given. */
  create(kind: Kind, spec: unknown, name?: string): Promise<ApiAnswer> {
    const path = apiPath(kind, kinds[kind].namespaced ? this.namespace : undefined)
    const metadata = name === undefined ? { generateName: 'try-' } : { name }
    const body = { apiVersion: apiVersionOf(kind), kind, metadata, spec }
    return this.api.call('POST', `${path}?fieldValidation=Strict${name === undefined ? '&dryRun=All' : ''}`, {
      body,
    })
  }

  /** A JSON merge patch by the administrator. */
  merge(path: string, body: object): Promise<ApiAnswer> {
    return this.api.call('PATCH', path, { body, contentType: 'application/merge-patch+json' })
  }

  /** Whoever holds the token of an existing service account; closed at the end. */
  async as(account: string, namespace = this.namespace): Promise<Kubernetes> {
    const kubeconfig = await servers.kubernetes.kubeconfigFor(namespace, account)
    const kubernetes = await connectKubernetes({ kubeconfig })
    this.#undo.push(() => kubernetes.close())
    return kubernetes
  }

  /** A service account of our namespace that has the given ClusterRoles, in the namespace or the whole cluster. */
  async account(name: string, scope: 'namespace' | 'cluster', ...roles: string[]): Promise<Kubernetes> {
    const { namespace } = this
    await this.make(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } })
    const rbac = '/apis/rbac.authorization.k8s.io/v1'
    const collection =
      scope === 'cluster' ? `${rbac}/clusterrolebindings` : `${rbac}/namespaces/${namespace}/rolebindings`
    for (const role of roles) {
      await this.make(collection, {
        metadata: { name: `${namespace}-${name}-${role}` },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
        subjects: [{ kind: 'ServiceAccount', name, namespace }],
      } as { metadata: { name: string } })
    }
    return this.as(name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const undo of this.#undo.reverse()) await undo()
    this.api.close()
    await this.kubernetes.close()
  }
}

export function messageOf(answer: ApiAnswer): string {
  return (answer.body as { message?: string } | undefined)?.message ?? ''
}

export function assertStatus(answer: ApiAnswer, status: number): void {
  assert.equal(answer.status, status, messageOf(answer))
}

/** The policy's own words, after what the API server puts before them; fails if somebody else refused. */
export function refusal(answer: ApiAnswer, policy: string): string {
  const message = messageOf(answer)
  const [, words] = message.split(
    `ValidatingAdmissionPolicy '${policy}' with binding '${policy}' denied request: `,
  )
  assert.ok(words !== undefined, `${policy} should refuse, but: ${answer.status} ${message}`)
  return words
}
