import { setTimeout as delay } from 'node:timers/promises'
import { apiPath } from '../../../k8s-bridge/api/kinds.ts'
import { LEASE_NAME, LEASE_NAMESPACE } from '../../../k8s-bridge/lease.ts'
import type { World } from './world.ts'

/** Another controller that holds the Lease and renews it every second, until it is stopped or the world closes. */
export class ForeignHolder {
  readonly #world: World
  #renewals = 0
  #stopped = false
  #loop: Promise<void> = Promise.resolve()

  private constructor(world: World) {
    this.#world = world
  }

  static async start(world: World): Promise<ForeignHolder> {
    const holder = new ForeignHolder(world)
    world.defer(() => holder.stop())
    await holder.#renew()
    holder.#loop = holder.#run()
    return holder
  }

  async renewed(times: number): Promise<void> {
    const target = this.#renewals + times
    await this.#world.until(`${times} renewals`, times * 3, () => Promise.resolve(this.#renewals >= target))
  }

  async holder(): Promise<string> {
    const lease = await this.#world.get<{ spec: { holderIdentity?: string } }>(
      'Lease',
      LEASE_NAMESPACE,
      LEASE_NAME,
    )
    return lease?.spec.holderIdentity ?? ''
  }

  /** Dies: the Lease is not released, it runs out. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#loop
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await delay(1000)
      if (!this.#stopped) await this.#renew()
    }
  }

  async #renew(): Promise<void> {
    const now = new Date().toISOString().replace('Z', '000Z')
    const spec = {
      holderIdentity: 'cert-manager-abc',
      leaseDurationSeconds: 3,
      renewTime: now,
      acquireTime: now,
    }
    const path = apiPath('Lease', LEASE_NAMESPACE, LEASE_NAME)
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: LEASE_NAME }, spec }
    await this.#world.kubernetes.apply(path, body, { fieldManager: 'cert-manager', force: true })
    this.#renewals += 1
  }
}
