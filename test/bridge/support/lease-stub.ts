import type { TestContext } from 'node:test'
import type { LeaseObject } from '../../../k8s-bridge/lease-record.ts'
import { json, silence, status, type ApiStub } from './api-stub.ts'
import { stubAndClient } from './harness.ts'

const path = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases'

/** The API server's side of one Lease. */
export class LeaseStub {
  lease: LeaseObject | undefined
  /** `hang`: no answer. `apply-and-hang`: writes are stored, and never answered. */
  mode: 'up' | 'down' | 'hang' | 'apply-and-hang' = 'up'
  /** Called before each write is looked at: what another candidate does in between. */
  beforeWrite: (() => void) | undefined
  readonly stub: ApiStub
  #version = 10

  constructor(stub: ApiStub) {
    this.stub = stub
    stub.always.other = (response, request) => {
      if (this.mode === 'down') return status(503, 'ServiceUnavailable', 'down')(response, request)
      if (this.mode === 'hang') return silence(response, request)
      if (request.method === 'GET') {
        if (request.path !== `${path}/cert-manager-controller` || !this.lease)
          return status(404, 'NotFound', 'leases "x" not found')(response, request)
        return json(response, 200, this.lease)
      }
      this.beforeWrite?.()
      const body = JSON.parse(request.body) as LeaseObject
      if (request.method === 'POST' && this.lease)
        return status(409, 'AlreadyExists', 'exists')(response, request)
      if (request.method === 'PUT' && body.metadata.resourceVersion !== this.lease?.metadata.resourceVersion)
        return status(409, 'Conflict', 'modified')(response, request)
      this.store(body)
      if (this.mode !== 'apply-and-hang') json(response, 200, this.lease)
    }
  }

  get holder(): string | undefined {
    return this.lease?.spec?.holderIdentity
  }

  get requests(): number {
    return this.stub.requests.length
  }

  store(lease: LeaseObject): void {
    this.lease = { ...lease, metadata: { ...lease.metadata, resourceVersion: String(++this.#version) } }
  }

  /** As another controller writes it. */
  heldBy(holderIdentity: string, spec: LeaseObject['spec'] = {}): void {
    this.store({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'cert-manager-controller', namespace: 'kube-system' },
      spec: { leaseDurationSeconds: 60, renewTime: '2020-01-01T00:00:00.000000Z', ...spec, holderIdentity },
    })
  }
}

export async function leaseStub(t: TestContext) {
  const { stub, kubernetes } = await stubAndClient(t)
  return { server: new LeaseStub(stub), kubernetes }
}
