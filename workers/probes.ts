import { Connection, isGrpcServiceError } from '@temporalio/client'
import type { Kubernetes } from '../activities/clients/kubernetes.ts'
import type { Bridge } from '../k8s-bridge/bridge.ts'
import type { InformerHealth } from '../k8s-bridge/informers/informer.ts'
import { remembered, type Check } from './telemetry/checks.ts'

/** How long the answer of a server is used again, in milliseconds: probes come every few seconds, each of several. */
const REMEMBERED_MS = 2_000
const DEADLINE_MS = 2_000
/** gRPC status of a namespace that does not exist. */
const NOT_FOUND = 5
/**
 * An informer whose loop gives no sign of life for so long is stuck, in milliseconds: a watch that is silent for 90 s is
 * opened anew, and a call that fails is repeated within a minute.
 */
const STUCK_MS = 10 * 60_000

interface BridgeParts {
  kubernetes: Kubernetes
  lease: { readonly decided: boolean; isHolder(): boolean }
  /** Undefined until it is made. */
  bridge: () => Bridge | undefined
  temporal: Check
}

/** What makes a bridge ready. One that waits for the Lease is; one that cannot see the cluster is not. */
export function bridgeChecks({ kubernetes, lease, bridge, temporal }: BridgeParts): Check[] {
  return [
    apiServer(kubernetes),
    informersListed(() => bridge()?.informers()),
    leaseKnown(() => lease.decided),
    {
      name: 'comparison',
      run: () =>
        !lease.isHolder() || bridge()?.compared === true
          ? undefined
          : 'the objects were not compared with the open workflows of Temporal yet',
    },
    temporal,
  ]
}

interface WorkerParts {
  kubernetes: Kubernetes
  worker: { readonly polling: boolean }
  mayWrite: () => boolean
  leaseKnown: () => boolean
  temporal: Check
}

/** What makes a worker ready. While another controller holds the Lease it polls nothing, and is ready. */
export function workerChecks(parts: WorkerParts): Check[] {
  const { kubernetes, worker, mayWrite, temporal } = parts
  return [
    apiServer(kubernetes),
    leaseKnown(parts.leaseKnown),
    temporal,
    {
      name: 'worker',
      run: () => (!mayWrite() || worker.polling ? undefined : 'the workers do not poll Temporal'),
    },
  ]
}

/** What a restart would mend. */
export function liveChecks(bridge: () => Bridge | undefined): Check[] {
  return [ping, informerLoops(() => bridge()?.informers())]
}

/** Whoever reads this knows that the event loop turns. */
const ping: Check = { name: 'ping', run: () => undefined }

/** The API server answers us. */
function apiServer(kubernetes: Kubernetes): Check {
  return remembered(
    {
      name: 'api-server',
      async run() {
        await kubernetes.request('GET', '/version', { timeout: DEADLINE_MS, retries: 0 })
        return undefined
      },
    },
    REMEMBERED_MS,
  )
}

function leaseKnown(known: () => boolean): Check {
  return { name: 'lease', run: () => (known() ? undefined : 'it is not known who holds the Lease') }
}

/** Asks Temporal on a connection of its own, which is made by the first question. */
export class TemporalProbe {
  readonly #connection: Connection
  readonly #namespace: string
  readonly #address: string

  constructor({ address, namespace }: { address: string; namespace: string }) {
    this.#address = address
    this.#namespace = namespace
    this.#connection = Connection.lazy({
      address,
      // A server that is back is seen within seconds.
      channelArgs: { 'grpc.max_reconnect_backoff_ms': 2_000 },
    })
  }

  /** Temporal answers, and has our namespace. */
  check(required: boolean): Check {
    return remembered({ name: 'temporal', required: () => required, run: () => this.#ask() }, REMEMBERED_MS)
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  async #ask(): Promise<string | undefined> {
    try {
      await this.#connection.withDeadline(Date.now() + DEADLINE_MS, () =>
        this.#connection.workflowService.describeNamespace({ namespace: this.#namespace }),
      )
      return undefined
    } catch (error) {
      if (error instanceof Error && isGrpcServiceError(error) && Number(error.code) === NOT_FOUND)
        return `${this.#address} has no namespace ${this.#namespace}: run certloom setup`
      const details = isGrpcServiceError(error) ? error.details : String(error)
      return `${this.#address} does not answer: ${details}`
    }
  }
}

/** Every resource has been listed. */
function informersListed(informers: () => InformerHealth[] | undefined): Check {
  return {
    name: 'informers',
    run() {
      const all = informers()
      if (all === undefined) return 'not started yet'
      const missing = all.filter(({ synced }) => !synced)
      if (missing.length === 0) return undefined
      return `not listed yet: ${missing.map(({ name, lastError }) => `${name}${lastError === undefined ? '' : ` (${lastError})`}`).join(', ')}`
    },
  }
}

/** A loop that has ended or is stuck does not come back by itself. */
export function informerLoops(
  informers: () => InformerHealth[] | undefined,
  now: () => number = Date.now,
): Check {
  return {
    name: 'informer-loops',
    run() {
      const dead = (informers() ?? []).filter(
        ({ ended, lastSignAt }) => ended || (lastSignAt !== undefined && now() - lastSignAt > STUCK_MS),
      )
      return dead.length === 0 ? undefined : `no sign of life: ${dead.map(({ name }) => name).join(', ')}`
    },
  }
}
