import type { Kubernetes, RequestOptions } from '../activities/clients/kubernetes.ts'
import { apiPath } from './api/kinds.ts'

/** The Lease that upstream's controller takes too: whoever holds it is the one who writes. */
export const LEASE_NAME = 'cert-manager-controller'
export const LEASE_NAMESPACE = 'kube-system'

const OUR_PREFIX = 'certloom/'

/** coordination.k8s.io/v1 Lease, as far as leader election uses it. */
export interface LeaseObject {
  apiVersion: 'coordination.k8s.io/v1'
  kind: 'Lease'
  metadata: { name: string; namespace: string; resourceVersion?: string }
  spec?: {
    holderIdentity?: string
    leaseDurationSeconds?: number
    acquireTime?: string
    renewTime?: string
    leaseTransitions?: number
  }
}

/** The monotonic clock and timers; replaced in tests. Times are milliseconds. */
export interface Clock {
  /** Never set back, not related to the time of day. */
  monotonic(): number
  /** The time of day, only ever written, never compared. */
  date(): Date
  /** Calls once after `milliseconds`; returns what cancels it. */
  after(milliseconds: number, call: () => void): () => void
}

export const systemClock: Clock = {
  monotonic: () => performance.now(),
  date: () => new Date(),
  after(milliseconds, call) {
    const timer = setTimeout(call, milliseconds)
    return () => clearTimeout(timer)
  },
}

/** True for the identity of a certloom bridge: `certloom/<host>_<random>`. An empty identity holds nothing. */
export function isOurs(identity: string): boolean {
  return identity.startsWith(OUR_PREFIX)
}

/** A new identity of this process: two of one host differ, and so do two lives of one Pod. */
export function newIdentity(host: string, random: string): string {
  return `${OUR_PREFIX}${host}_${random}`
}

/** One Lease through its own connections, each call bounded far below the renew deadline. */
export class LeaseRecord {
  readonly #kubernetes: Kubernetes
  readonly #collection: string
  readonly #path: string
  readonly #options: RequestOptions
  readonly namespace: string
  readonly name: string

  constructor(kubernetes: Kubernetes, namespace = LEASE_NAMESPACE, name = LEASE_NAME, timeout = 3000) {
    this.#kubernetes = kubernetes
    this.namespace = namespace
    this.name = name
    this.#collection = apiPath('Lease', namespace)
    this.#path = apiPath('Lease', namespace, name)
    this.#options = { lane: 'lease', timeout, retries: 0 }
  }

  read(): Promise<LeaseObject | undefined> {
    return this.#kubernetes.get<LeaseObject>(this.#path, this.#options)
  }

  /** Creates the Lease, or replaces the version that `lease` was read as. Status 409: somebody was faster. */
  write(lease: LeaseObject): Promise<LeaseObject> {
    return lease.metadata.resourceVersion === undefined
      ? this.#kubernetes.create<LeaseObject>(this.#collection, lease, this.#options)
      : this.#kubernetes.replace<LeaseObject>(this.#path, lease, this.#options)
  }
}

/** Kubernetes' MicroTime: RFC 3339 with exactly six digits after the point. */
export function microTime(date: Date): string {
  return date.toISOString().replace(/\.(\d{3})Z$/, '.$1000Z')
}
