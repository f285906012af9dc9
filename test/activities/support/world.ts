import type { TestContext } from 'node:test'
import { ApplicationFailure } from '@temporalio/common'
import { MockActivityEnvironment } from '@temporalio/testing'
import { connectKubernetes } from '../../../activities/clients/kubernetes.ts'
import type { ActivityDeps } from '../../../activities/deps.ts'
import { createActivities } from '../../../activities/index.ts'
import type { Certificate } from '../../../k8s-bridge/api/certificate.ts'
import type { CertificateActivities, Prepared, PrepareInput } from '../../../workflows/activities.ts'
import type { FailureCode } from '../../../workflows/domain/failures.ts'
import { ClusterStub, type Stored } from './cluster.ts'

export const namespace = 'shop'
export const name = 'web'

export interface SecretObject extends Stored {
  data?: Record<string, string>
}

/** The activities of a worker against a stub of the API server in which Certificate `shop/web` and its Issuer are. */
export class ActivityWorld {
  readonly cluster = new ClusterStub()
  readonly logged: string[] = []
  #activities!: CertificateActivities
  #runs = 0

  static async open(t: TestContext): Promise<ActivityWorld> {
    const world = new ActivityWorld()
    const { cluster, logged } = world
    await cluster.start()
    const kubernetes = await connectKubernetes({ endpoint: cluster.url })
    t.after(async () => {
      await kubernetes.close()
      await cluster.close()
    })
    const write = (_fields: object, message: string) => void logged.push(message)
    const parts: Partial<ActivityDeps> = {
      kubernetes,
      log: { debug: write, info: write, warn: write, error: write },
      settings: {
        clusterResourceNamespace: 'cert-manager',
        controllerNamespace: 'cert-manager',
        pluginDirectory: '/nonexistent',
        approve: true,
        workflowIdPrefix: '',
        userAgent: 'test',
        earlyLooks: true,
      },
    }
    world.#activities = createActivities(parts as ActivityDeps)
    cluster.put('Issuer', {
      metadata: { namespace, name: 'self' },
      spec: { selfSigned: {} },
      status: { conditions: [{ type: 'Ready', status: 'True', observedGeneration: 1 }] },
    })
    cluster.put('Certificate', {
      metadata: { namespace, name },
      spec: {
        secretName: 'web-tls',
        dnsNames: ['web.example.com'],
        issuerRef: { name: 'self' },
        privateKey: { algorithm: 'ECDSA', size: 256 },
      },
    })
    return world
  }

  get certificate(): Certificate {
    const found = this.cluster.get<Certificate>('Certificate', namespace, name)
    if (found === undefined) throw new Error('the Certificate is gone')
    return found
  }

  get reference() {
    return { namespace, name, uid: this.certificate.metadata.uid ?? '' }
  }

  /** As somebody with the rights for it changes the Certificate. */
  change(change: { spec?: object; status?: object }): void {
    const { spec, status, ...rest } = this.certificate
    this.cluster.put('Certificate', {
      ...rest,
      metadata: { ...rest.metadata, namespace, name },
      spec: { ...spec, ...change.spec },
      status: { ...status, ...change.status },
    })
  }

  secret(secretName: string): SecretObject | undefined {
    return this.cluster.get<SecretObject>('Secret', namespace, secretName)
  }

  has(secretName: string): boolean {
    return this.secret(secretName) !== undefined
  }

  condition(type: string) {
    return this.certificate.status?.conditions?.find((one) => one.type === type)
  }

  /** Reasons of the events of one kind of object. */
  reasons(kind: string): string[] {
    const events = this.cluster.all<Stored & { reason: string; involvedObject: { kind: string } }>(
      'Event',
      namespace,
    )
    return events.filter(({ involvedObject }) => involvedObject.kind === kind).map(({ reason }) => reason)
  }

  /** Runs an activity as a task of its own, as each look of the workflow is. */
  run<N extends keyof CertificateActivities>(
    activity: N,
    input: Parameters<CertificateActivities[N]>[0],
  ): Promise<Awaited<ReturnType<CertificateActivities[N]>>> {
    const environment = new MockActivityEnvironment({ scheduledTimestampMs: Date.now() + this.#runs++ })
    type Output = Awaited<ReturnType<CertificateActivities[N]>>
    const run = this.#activities[activity] as unknown as (input: unknown) => Promise<Output>
    return environment.run<[unknown], Output, typeof run>(run, input)
  }

  /** The code with which an activity fails. */
  async failure<N extends keyof CertificateActivities>(
    activity: N,
    input: Parameters<CertificateActivities[N]>[0],
  ): Promise<FailureCode | 'none'> {
    try {
      await this.run(activity, input)
      return 'none'
    } catch (error) {
      if (error instanceof ApplicationFailure) return error.type as FailureCode
      throw error
    }
  }

  prepare(attempt = 1): Promise<Prepared> {
    return this.run('prepare', this.prepareInput(attempt))
  }

  prepareInput(attempt: number): PrepareInput {
    const cause = { reason: 'DoesNotExist', message: 'Issuing certificate as Secret does not exist' }
    return { certificate: this.reference, attempt, cause }
  }
}
