import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { apiPath, type Kind } from '../../../../k8s-bridge/api/kinds.ts'
import { untilQuiet } from '../../../../tools/observe/history.ts'
import { clusterIssuer, openSite, type AcmeSite } from '../../acme/support/acme-world.ts'
import { forgetProofs } from '../../acme/support/forget-proofs.ts'
import { certificateId } from '../../certificate/support/operator.ts'
import type { Controller } from '../../support/controller.ts'
import type { AnyObject, World } from '../../support/world.ts'
import type { Cell } from './cells.ts'
import { Control } from './control.ts'
import { makeIssuers } from './issuers.ts'
import type { KillerName } from './killers.ts'
import { pipesOf } from './pipes.ts'
import { Watches } from './watches.ts'
import { foreignRecords, zoneOf } from './zone.ts'

const faultyWorker = fileURLToPath(new URL('faulty-worker.ts', import.meta.url))
/** How long the cells of one wave may take to reach their points, in seconds. */
const REACH = 100
/** A certificate that nobody disturbs and nobody judges. */
const WARM = 'warm'

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
  readonly #held = new Set<string>()
  readonly #edited = new Set<string>()
  #worker: Controller | undefined
  #pipes = 0
  #watches: Watches | undefined
  #zone: readonly string[] = []

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
    try {
      await stage.#open()
      return stage
    } catch (error) {
      // What is left would take the work of the stages that follow.
      await stage.close()
      throw error
    }
  }

  async #open(): Promise<void> {
    const { world, site } = this
    await foreignRecords(world, site)
    this.#zone = await zoneOf(world, site)
    await this.#work({ CERTLOOM_TEST_FAULTS: this.#control.folder }, faultyWorker)
    this.roots.push(await makeIssuers(world, this.namespace, site.name))
    await this.noteRoot()
    await this.#warmUp()
    this.#watches = await Watches.start(world.kubernetes, this.namespace)
  }

  /** What one issuance leaves open in a worker, it opens once: nothing that comes later may leave more. */
  async #warmUp(): Promise<void> {
    await this.world.certificate(this.namespace, WARM, {
      dnsNames: [this.domain(WARM)],
      ...clusterIssuer(this.site.name),
    })
    await this.world.ready(this.namespace, WARM, { seconds: 60 })
    await untilQuiet(this.world.temporal, certificateId(this.namespace, WARM))
    this.#pipes = await pipesOf(this.worker.pid)
  }

  get namespace(): string {
    return this.site.namespace
  }

  get watches(): Watches {
    if (this.#watches === undefined) throw new Error('the stage has no watches')
    return this.#watches
  }

  get worker(): Controller {
    if (this.#worker === undefined) throw new Error('the stage has no worker')
    return this.#worker
  }

  /**
   * Issues one Certificate for each cell, and waits until each stands at its point. A step can be held only as long as
   * it may take, so those that may take no longer than a minute come last.
   */
  async reach(): Promise<void> {
    await this.#issueUndisturbed(this.cells.filter(({ renewal }) => renewal))
    for (const wave of [this.cells.filter((cell) => !isBrief(cell)), this.cells.filter(isBrief)]) {
      await Promise.all(wave.map((cell) => this.#approach(cell)))
      await this.world
        .until('every cell is at its point', REACH, () =>
          Promise.resolve(wave.every((cell) => this.#isHeld(cell))),
        )
        // Which ones were not reached is told cell by cell.
        .catch(() => undefined)
    }
    for (const cell of this.cells) if (this.#isHeld(cell)) this.#held.add(cell.name)
  }

  /**
   * Until nothing of the first issuance is under way that could be taken for a step of the next one, and the CA asks for
   * proofs as it did before the first.
   */
  async #issueUndisturbed(cells: readonly Cell[]): Promise<void> {
    await Promise.all(cells.map((cell) => this.#issue(cell)))
    for (const { name } of cells) {
      await this.world.ready(this.namespace, name, { seconds: REACH })
      await untilQuiet(this.world.temporal, certificateId(this.namespace, name))
    }
    const { name: issuer, proxy } = this.site
    const proven = proxy.to('authZ').filter(({ state }) => state === 'valid')
    const urls = proven.map(({ path }) => new URL(path, proxy.directoryUrl).href)
    await forgetProofs(this.world, issuer, urls)
  }

  /** Issues the Certificates one after the other over a time, in milliseconds, and holds none of them. */
  async issueOver(ms: number): Promise<void> {
    for (const cell of this.cells) {
      await this.#issue(cell)
      this.#held.add(cell.name)
      await delay(ms / this.cells.length)
    }
  }

  /** The zone before the first issuance. */
  get zoneBefore(): readonly string[] {
    return this.#zone
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
    await this.#work()
  }

  /** What a worker has open after one issuance. */
  get pipesBefore(): number {
    return this.#pipes
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

  async list<T = AnyObject>(kind: Kind, labelSelector?: string): Promise<T[]> {
    const query: Record<string, string> = labelSelector === undefined ? {} : { labelSelector }
    return (await this.world.kubernetes.list<T>(apiPath(kind, this.namespace), query)).items
  }

  /** Remembers the root that the CA issues under now. */
  async noteRoot(): Promise<void> {
    this.roots.push(await this.world.servers.pebble.root())
  }

  /** Ends the watches once they have shown everything. @returns what ended one of them early */
  endWatches(): Promise<string | undefined> {
    return this.watches.end({ Secret: `${WARM}-tls`, CertificateRequest: `${WARM}-1`, Certificate: WARM })
  }

  async close(): Promise<void> {
    this.release()
    this.#watches?.stop()
    await this.#worker?.stop()
    await this.site.proxy.close()
  }

  async #work(settings?: Record<string, string>, program?: string): Promise<void> {
    this.#worker = await this.world.startController('worker', settings, program)
  }

  /** On the way to its point. */
  async #approach(cell: Cell): Promise<void> {
    this.#control.arm(this.#subject(cell), cell.point, cell.when)
    if (cell.renewal) await this.world.cmctlRenew(this.namespace, cell.name)
    else await this.#issue(cell)
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

  #isHeld(cell: Cell): boolean {
    return this.#control.isHeld(this.#subject(cell))
  }

  /** Whose step is stopped: the registration of an account belongs to an issuer of the cell's own. */
  #subject(cell: Cell): string {
    return cell.point === 'account' ? `${cell.name}-${this.site.name}` : cell.name
  }
}

/** Whether a cell stops in `verifyIssuer`, `createOrder` or `publish`. */
function isBrief({ path, point }: Cell): boolean {
  return path !== 'acme' || ['account', 'new-order', 'order-recorded', 'challenge'].includes(point)
}
