import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Certificate } from '../../../../k8s-bridge/api/certificate.ts'
import { apiPath, type Kind } from '../../../../k8s-bridge/api/kinds.ts'
import { openSite, type AcmeSite } from '../../acme/support/acme-world.ts'
import { issuerReady, selfSignedIssuer } from '../../certificate/support/operator.ts'
import { Recording } from '../../certificate/support/recording.ts'
import type { Controller } from '../../support/controller.ts'
import { condition, type AnyObject, type World } from '../../support/world.ts'
import type { Cell } from './cells.ts'
import { Control } from './control.ts'
import type { KillerName } from './killers.ts'
import type { Version } from './observation.ts'

const faultyWorker = fileURLToPath(new URL('faulty-worker.ts', import.meta.url))
const watched = ['Secret', 'CertificateRequest', 'Certificate'] as const
export type WatchedKind = (typeof watched)[number]
/** How long all cells together may take to reach their points, and to be done after a kill, in seconds. */
const REACH = 300
const SETTLE = 300

/**
 * Where one killer strikes: a namespace with issuers of every path, a worker with fault points, and one Certificate
 * for each cell. Watches of everything that may be shown wrong run from before the first issuance.
 */
export class Stage {
  readonly world: World
  readonly killer: KillerName
  readonly cells: readonly Cell[]
  readonly site: AcmeSite
  readonly roots: string[] = []
  readonly #control: Control
  readonly #recordings: { kind: WatchedKind; recording: Recording; over: boolean }[] = []
  readonly #held = new Set<string>()
  readonly #edited = new Set<string>()
  #worker: Controller | undefined

  private constructor(
    world: World,
    killer: KillerName,
    cells: readonly Cell[],
    site: AcmeSite,
    control: Control,
  ) {
    this.world = world
    this.killer = killer
    this.cells = cells
    this.site = site
    this.#control = control
  }

  /** Needs a bridge that runs, and no worker. */
  static async open(world: World, killer: KillerName, cells: readonly Cell[]): Promise<Stage> {
    const site = await openSite(world, killer)
    const folder = join(world.folder, `faults-${site.name}`)
    await mkdir(folder)
    const stage = new Stage(world, killer, cells, site, new Control(folder))
    stage.#worker = await world.startController('worker', { CERTLOOM_TEST_FAULTS: folder }, faultyWorker)
    await stage.#issuers()
    await stage.noteRoot()
    for (const kind of watched) {
      const recording = await Recording.start(world.kubernetes, apiPath(kind, site.namespace))
      stage.#recordings.push({ kind, recording, over: false })
    }
    return stage
  }

  get namespace(): string {
    return this.site.namespace
  }

  get worker(): Controller {
    if (this.#worker === undefined) throw new Error('the stage has no worker')
    return this.#worker
  }

  /** Issues one Certificate for each cell, and waits until each stands at its point. */
  async reach(): Promise<void> {
    for (const cell of this.cells) this.#control.arm(this.#subject(cell), cell.point, cell.when)
    await Promise.all(this.cells.map((cell) => this.#issue(cell)))
    await this.world
      .until('every cell is at its point', REACH, () =>
        Promise.resolve(this.cells.every((cell) => this.#control.isHeld(this.#subject(cell)))),
      )
      // Which ones were not reached is told cell by cell.
      .catch(() => undefined)
    for (const cell of this.cells) if (this.#control.isHeld(this.#subject(cell))) this.#held.add(cell.name)
  }

  /** Issues the Certificates one after the other over a time, in milliseconds, and holds none of them. */
  async issueOver(ms: number): Promise<void> {
    for (const cell of this.cells) {
      await this.#issue(cell)
      this.#held.add(cell.name)
      await delay(ms / this.cells.length)
    }
  }

  wasHeld(cell: Cell): boolean {
    return this.#held.has(cell.name)
  }

  /** Nothing is held any more, now and later. */
  release(): void {
    for (const cell of this.cells) this.#control.release(this.#subject(cell))
  }

  /** Waits until every step that was held goes on. */
  async passed(): Promise<void> {
    const left = () =>
      this.cells.filter((cell) => this.wasHeld(cell) && !this.#control.hasPassed(this.#subject(cell)))
    await this.world
      .until('every held step goes on', 60, () => Promise.resolve(left().length === 0))
      .catch((error: unknown) => {
        const names = left().map(({ name }) => name)
        throw new Error(`these steps did not go on: ${names.join(', ')}`, { cause: error })
      })
  }

  /** A worker as people run it, in place of the one with fault points. */
  async cleanWorker(): Promise<void> {
    this.#worker = await this.world.startController('worker')
  }

  async eachCertificate(act: (name: string) => Promise<unknown>): Promise<void> {
    await Promise.all(this.cells.map(({ name }) => act(name)))
  }

  /** Asks for another name than before. */
  async edit(name: string): Promise<void> {
    this.#edited.add(name)
    await this.world.kubernetes.merge(apiPath('Certificate', this.namespace, name), {
      spec: { dnsNames: this.names(name) },
    })
  }

  /** The names that the Certificate of a cell asks for now. */
  names(name: string): string[] {
    const domain = this.domain(name)
    return [this.#edited.has(name) ? `edited.${domain}` : domain]
  }

  domain(name: string): string {
    return `${name}.${this.site.domain}`
  }

  /** Waits until every Certificate is Ready (or gone) and what its issuance needed has been taken away. */
  async settled(): Promise<void> {
    await this.world
      .until('all Certificates are done', SETTLE, async () => {
        const certificates = await this.list<Certificate>('Certificate')
        if (this.killer === 'deleted' ? certificates.length > 0 : !certificates.every(isReady)) return false
        const secrets = await this.list('Secret', 'cert-manager.io/next-private-key=true')
        return secrets.length === 0 && (await this.list('Challenge')).length === 0
      })
      // What is not as it should be is told cell by cell.
      .catch(() => undefined)
  }

  async list<T = AnyObject>(kind: Kind, labelSelector?: string): Promise<T[]> {
    const query: Record<string, string> = labelSelector === undefined ? {} : { labelSelector }
    return (await this.world.kubernetes.list<T>(apiPath(kind, this.namespace), query)).items
  }

  /** Remembers the root that the CA issues under now. */
  async noteRoot(): Promise<void> {
    this.roots.push(await this.world.servers.pebble.root())
  }

  /**
   * After the API server was away: begins anew with what is there, as every watcher has to. A restarted server knows
   * nothing older than its start ("too old resource version"), so what nobody could be shown is not judged.
   */
  async resumeWatches(): Promise<void> {
    for (const one of this.#recordings.filter(({ over }) => !over)) {
      one.over = true
      const recording = await Recording.start(this.world.kubernetes, apiPath(one.kind, this.namespace), '')
      this.#recordings.push({ kind: one.kind, recording, over: false })
    }
  }

  versions(kind: WatchedKind): Version[] {
    return this.#recordings.filter((one) => one.kind === kind).flatMap(({ recording }) => recording.seen)
  }

  /** Ends the watches. @returns what ended one of them early */
  stopWatches(): string | undefined {
    try {
      for (const { recording, over } of this.#recordings) if (!over) recording.stop()
      return undefined
    } catch (error) {
      return String(error)
    }
  }

  async close(): Promise<void> {
    this.release()
    await this.worker.stop()
    await this.site.proxy.close()
  }

  async #issuers(): Promise<void> {
    const { world, namespace } = this
    await selfSignedIssuer(world, namespace)
    await world.certificate(namespace, 'root', {
      isCA: true,
      commonName: 'root',
      issuerRef: { name: 'self' },
    })
    await world.ready(namespace, 'root', { seconds: 60 })
    await world.apply('Issuer', {
      metadata: { namespace, name: 'ca' },
      spec: { ca: { secretName: 'root-tls' } },
    })
    await issuerReady(world, namespace, 'ca')
    const root = await world.get('Secret', namespace, 'root-tls')
    this.roots.push(Buffer.from(root?.data?.['tls.crt'] ?? '', 'base64').toString())
    await world.until(`ClusterIssuer ${this.site.name} Ready`, 60, async () => {
      const issuer = await world.get('ClusterIssuer', undefined, this.site.name)
      return issuer?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
    })
  }

  async #issue(cell: Cell): Promise<void> {
    const { world, site } = this
    if (cell.point === 'account')
      await world.acmeIssuer(this.#subject(cell), { plugin: site.name, server: site.proxy.directoryUrl })
    const issuers = {
      ca: { name: 'ca' },
      selfSigned: { name: 'self' },
      acme: { kind: 'ClusterIssuer', name: cell.point === 'account' ? this.#subject(cell) : site.name },
    }
    await world.certificate(this.namespace, cell.name, {
      dnsNames: this.names(cell.name),
      issuerRef: issuers[cell.path],
    })
  }

  /** Whose step is stopped: the registration of an account belongs to an issuer of the cell's own. */
  #subject(cell: Cell): string {
    return cell.point === 'account' ? `${cell.name}-${this.site.name}` : cell.name
  }
}

export function isReady(certificate: Certificate): boolean {
  const ready = condition(certificate, 'Ready')
  return (
    ready?.status === 'True' &&
    ready.observedGeneration === certificate.metadata.generation &&
    condition(certificate, 'Issuing') === undefined
  )
}
