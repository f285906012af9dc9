import { join } from 'node:path'
import type { Kubernetes } from '../../activities/clients/kubernetes.ts'
import { sha256Hex } from '../../activities/hash.ts'
import type { Condition } from '../../k8s-bridge/api/conditions.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import { certificateWorkflowId, renewSignal } from '../../workflows/messages.ts'
import type { LocalServers } from '../servers/servers.ts'
import { root, type DemoArguments } from './arguments.ts'
import { conditionOf } from './changes.ts'
import type { Controller } from '../certloom/controller.ts'
import type { Display } from './display.ts'
import type { Temporal } from './history.ts'
import { applyManifest, readManifests } from './manifests.ts'
import { WatchedObjects } from './objects.ts'
import { isGood, printResult } from './report.ts'
import { inspectResult } from './result.ts'
import { Timeline } from './timeline.ts'
import { printTrouble } from './trouble.ts'
import { printCommands } from './try.ts'

/** The objects of examples/demo. */
const ISSUER = 'pebble'
const CERTIFICATE = { namespace: 'demo', name: 'site' }
/** Where the Secrets of a ClusterIssuer are. */
const RESOURCE_NAMESPACE = 'cert-manager'
/** Where Kubernetes keeps the events of objects without a namespace. */
const CLUSTER_EVENTS = 'default'

/** How long the workflow may take after Ready to write its last lines into the timeline, in milliseconds. */
const LAST_LINES_MS = 3_000

interface Conditioned {
  readonly metadata: { readonly generation?: number }
  readonly status?: { conditions?: Condition[] }
}

export interface SceneOptions {
  readonly args: DemoArguments
  readonly display: Display
  readonly servers: LocalServers
  readonly kubernetes: Kubernetes
  readonly temporal: Temporal
  readonly controller: Controller
  readonly signal: AbortSignal
}

/** What happens on the stage that servers and controller have set: an issuer, a certificate, its report. */
export class Scene {
  readonly #options: SceneOptions
  readonly #timeline: Timeline
  readonly #objects: WatchedObjects
  readonly #workflowId = certificateWorkflowId('', CERTIFICATE, sha256Hex)
  readonly #end = new AbortController()
  #following: Promise<void> = Promise.resolve()
  #totalMs = 0

  constructor(options: SceneOptions) {
    const { display, args, kubernetes } = options
    this.#options = options
    this.#timeline = new Timeline(display, args.verbose)
    this.#objects = new WatchedObjects({
      kubernetes,
      namespace: CERTIFICATE.namespace,
      events: args.verbose,
      onStep: this.#timeline.tell,
    })
  }

  async open(): Promise<void> {
    await this.#objects.start()
  }

  /** Applies the issuer and waits until it is Ready. False, after telling why, where it is not in time. */
  async issuerReady(): Promise<boolean> {
    const { display } = this.#options
    const work = async () => {
      const forgotten = await this.#forgetAccount()
      await this.#apply('cluster-issuer.yaml')
      return this.#untilReady(() => {
        const issuer = this.#objects.issuer(ISSUER)
        return issuer?.status?.acme?.lastPrivateKeyHash === forgotten ? undefined : issuer
      })
    }
    const outcome = (ready: Condition | undefined) =>
      `ClusterIssuer ${ISSUER} is ${ready === undefined ? 'not ' : ''}Ready: ${ready?.message ?? 'see below'}`
    if ((await display.phase('issuer', `ClusterIssuer ${ISSUER} registers`, work, outcome)) !== undefined)
      return true
    const conditions = this.#objects.issuer(ISSUER)?.status?.conditions ?? []
    await this.#tellTrouble(`ClusterIssuer ${ISSUER}`, conditions, CLUSTER_EVENTS)
    return false
  }

  /** Applies the certificate, shows its timeline, and waits until it is Ready. False, after telling why, if it is not. */
  async certificateReady(): Promise<boolean> {
    const { display, temporal } = this.#options
    const key = `${CERTIFICATE.namespace}/${CERTIFICATE.name}`
    const before = this.#objects.certificate(key)?.status?.revision ?? 0
    display.print(`\n${display.style('bold', `Timeline of certificate ${key}`)}`)
    this.#following = this.#timeline.follow(
      temporal,
      this.#workflowId,
      AbortSignal.any([this.#options.signal, this.#end.signal]),
    )
    this.#following.catch(() => undefined)
    const zero = Date.now()
    const began = performance.now()
    this.#timeline.open(zero)
    this.#timeline.tell({
      at: zero,
      name: 'kubectl apply',
      text: 'examples/demo/certificate.yaml',
      tone: 'note',
    })
    await this.#apply('certificate.yaml')
    // Kept from the last demo it is in order, but its CA has another root now.
    if (before > 0)
      await temporal.client.workflow.getHandle(this.#workflowId).signal(renewSignal, { v: 1, reason: 'demo' })
    const ready = await this.#untilReady(() => {
      const certificate = this.#objects.certificate(key)
      return (certificate?.status?.revision ?? 0) > before ? certificate : undefined
    })
    this.#totalMs = performance.now() - began
    if (ready !== undefined) return true
    this.#timeline.close()
    await this.#tellTrouble(
      `Certificate ${key}`,
      this.#objects.certificate(key)?.status?.conditions ?? [],
      CERTIFICATE.namespace,
    )
    return false
  }

  /** Prints the certificate, what was checked of it, and what to try. False if something is wrong with it. */
  async report(): Promise<boolean> {
    const { args, display, kubernetes, servers, temporal } = this.#options
    const certificate = this.#objects.certificate(`${CERTIFICATE.namespace}/${CERTIFICATE.name}`)
    if (certificate === undefined) throw new Error('the certificate that was Ready is gone')
    await this.#timeline.untilQuiet(LAST_LINES_MS)
    const result = await inspectResult(kubernetes, certificate, await servers.pebble.root())
    this.#timeline.pause()
    printResult(display, result, this.#totalMs)
    if (!args.once)
      printCommands(display, servers.facts, {
        ...CERTIFICATE,
        secretName: certificate.spec.secretName,
        workflowId: this.#workflowId,
        temporalNamespace: temporal.client.options.namespace,
      })
    return isGood(result)
  }

  /** Goes on with the timeline: a renewal is shown as it happens. */
  stay(): void {
    this.#options.display.print(`\n${this.#options.display.style('bold', 'Up.')} Ctrl-C stops everything.\n`)
    this.#timeline.resume()
  }

  /**
   * Pebble keeps nothing from one start to the next, so it does not know the account of a kept issuer: without its key
   * certloom makes another one. Returns the digest of the old key.
   */
  async #forgetAccount(): Promise<string | undefined> {
    const kept = this.#objects.issuer(ISSUER)
    const keySecret = kept?.spec.acme?.privateKeySecretRef.name
    if (keySecret === undefined) return undefined
    await this.#options.kubernetes.delete(apiPath('Secret', RESOURCE_NAMESPACE, keySecret))
    return kept?.status?.acme?.lastPrivateKeyHash
  }

  async #apply(file: string): Promise<void> {
    const { kubernetes, servers } = this.#options
    const manifests = await readManifests(join(root, 'examples', 'demo', file), {
      ACME_DIRECTORY: servers.pebble.directoryUrl,
      ACME_CA_BUNDLE: Buffer.from(servers.pebble.caPem).toString('base64'),
      DNS_CONTROL_URL: servers.dns.controlUrl,
    })
    for (const manifest of manifests) await applyManifest(kubernetes, manifest)
  }

  /** The condition Ready once it is True of the present generation; undefined if it is not within the time limit. */
  async #untilReady(find: () => Conditioned | undefined): Promise<Condition | undefined> {
    const { signal, args } = this.#options
    const late = AbortSignal.timeout(args.timeoutMs)
    try {
      return await this.#objects.until(
        () => {
          const object = find()
          const ready = conditionOf(object, 'Ready')
          const current =
            ready?.observedGeneration === undefined ||
            ready.observedGeneration === object?.metadata.generation
          return ready?.status === 'True' && current ? ready : undefined
        },
        AbortSignal.any([signal, late]),
      )
    } catch (error) {
      if (signal.aborted || !late.aborted) throw error
      return undefined
    }
  }

  async #tellTrouble(what: string, conditions: Condition[], namespace: string): Promise<void> {
    const { display, kubernetes, controller, args } = this.#options
    display.print(display.style('red', `\n${what} is not Ready after ${args.timeoutMs / 1000} s.`))
    await printTrouble(display, kubernetes, { what, conditions, namespace }, controller)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort()
    this.#timeline.close()
    await this.#following.catch(() => undefined)
    await this.#objects.stop()
  }
}
