import { apiPath } from '../../../../k8s-bridge/api/kinds.ts'
import type { Kubernetes } from '../../../../activities/clients/kubernetes.ts'
import { Recording } from '../../certificate/support/recording.ts'
import type { AnyObject } from '../../support/world.ts'
import type { Version } from './observation.ts'

const watched = ['Secret', 'CertificateRequest', 'Certificate'] as const
export type WatchedKind = (typeof watched)[number]

interface Followed {
  kind: WatchedKind
  recording: Recording
  /** Another one has taken its place. */
  over: boolean
}

/** Everything that a watcher of one namespace is shown from before the first issuance. */
export class Watches {
  readonly #kubernetes: Kubernetes
  readonly #namespace: string
  readonly #recordings: Followed[] = []

  private constructor(kubernetes: Kubernetes, namespace: string) {
    this.#kubernetes = kubernetes
    this.#namespace = namespace
  }

  static async start(kubernetes: Kubernetes, namespace: string): Promise<Watches> {
    const watches = new Watches(kubernetes, namespace)
    for (const kind of watched) await watches.#follow(kind)
    return watches
  }

  /**
   * After the API server was away: begins anew with what is there, as every watcher has to. A restarted server knows
   * nothing older than its start ("too old resource version"), so what nobody could be shown is not judged.
   */
  async resume(): Promise<void> {
    for (const one of this.#recordings.filter(({ over }) => !over)) {
      one.over = true
      await this.#follow(one.kind, '')
    }
  }

  versions(kind: WatchedKind): Version[] {
    return this.#recordings.filter((one) => one.kind === kind).flatMap(({ recording }) => recording.seen)
  }

  /**
   * Changes one object of each kind, waits until its watch has shown that and with it everything before, and ends them.
   *
   * @param marks names of objects that nobody judges
   * @returns what ended one of them early
   */
  async end(marks: Readonly<Record<WatchedKind, string>>): Promise<string | undefined> {
    try {
      await Promise.all(this.#recordings.filter(({ over }) => !over).map((one) => this.#catchUp(one, marks)))
      for (const { recording, over } of this.#recordings) if (!over) recording.stop()
      return undefined
    } catch (error) {
      return String(error)
    }
  }

  /** Whatever they have shown or not. */
  stop(): void {
    for (const { recording } of this.#recordings) recording.abort()
  }

  async #catchUp({ kind, recording }: Followed, marks: Readonly<Record<WatchedKind, string>>): Promise<void> {
    const path = apiPath(kind, this.#namespace, marks[kind])
    const change = { metadata: { annotations: { 'example.com/mark': 'set' } } }
    const { metadata } = await this.#kubernetes.merge<AnyObject>(path, change)
    await recording.until(
      `the last change of a ${kind}`,
      (one) => one.metadata.resourceVersion === metadata.resourceVersion,
    )
  }

  async #follow(kind: WatchedKind, from?: string): Promise<void> {
    const recording = await Recording.start(this.#kubernetes, apiPath(kind, this.#namespace), from)
    this.#recordings.push({ kind, recording, over: false })
  }
}
