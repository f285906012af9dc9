import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { apiPath } from '../../../../k8s-bridge/api/kinds.ts'
import type { Challenge } from '../../../../k8s-bridge/api/challenge.ts'
import { installPlugin } from '../../../../tools/plugins/install.ts'
import { statusQuery, type StatusAnswer } from '../../../../workflows/messages.ts'
import { forgetProofs } from '../../acme/support/forget-proofs.ts'
import type { World } from '../../support/world.ts'
import { readLog, runningCalls, standingValues, violations, type LogLine } from './plugin-log.ts'

export interface Wish {
  namespace: string
  name: string
}

type Command = LogLine['command']

/** A DNS name that several Certificates ask for, through a plugin that deletes by name and writes its own log. */
export class SharedName {
  readonly world: World
  readonly dnsName: string
  readonly fqdn: string
  readonly issuer: string
  readonly #gate: string
  readonly #log: string

  private constructor(world: World, id: string) {
    this.world = world
    this.issuer = id
    this.dnsName = `${id}.certloom.test`
    this.fqdn = `_acme-challenge.${this.dnsName}.`
    this.#gate = join(world.folder, `${id}.gate`)
    this.#log = join(world.folder, `${id}.jsonl`)
  }

  static async open(world: World, id: string): Promise<SharedName> {
    const name = new SharedName(world, id)
    const source = fileURLToPath(new URL('../plugins/watched.mjs', import.meta.url))
    await installPlugin(source, world.pluginDirectory, id)
    const config = { url: world.servers.dns.controlUrl, log: name.#log, gate: name.#gate }
    await world.secret('cert-manager', id, { 'config.json': JSON.stringify(config) })
    await world.acmeIssuer(id, { plugin: id })
    return name
  }

  /** A Certificate for the name (and its wildcard), in a namespace of its own unless one is given. */
  async wish(name: string, options: { wildcard?: boolean; namespace?: string } = {}): Promise<Wish> {
    const namespace = options.namespace ?? (await this.world.namespace('names'))
    const dnsNames = options.wildcard === true ? [this.dnsName, `*.${this.dnsName}`] : [this.dnsName]
    await this.world.certificate(namespace, name, {
      dnsNames,
      issuerRef: { name: this.issuer, kind: 'ClusterIssuer' },
    })
    return { namespace, name }
  }

  log(): Promise<LogLine[]> {
    return readLog(this.#log)
  }

  /** No foreign call between CREATE and DELETE, and nothing is left. A certificate is Ready before its last record went. */
  async nothingWrong(): Promise<void> {
    // What stays wrong is told below.
    await this.world
      .until('every value deleted', 30, async () => violations(await this.log()).length === 0)
      .catch(() => undefined)
    const log = await this.log()
    const story = log.map((line) => `${line.time} ${line.phase} ${line.command} ${line.value.slice(0, 8)}`)
    assert.deepEqual(violations(log), [], story.join('\n'))
    assert.deepEqual(await this.records(), [])
  }

  /** Has the CA ask the next Certificate for a proof of its own. Its challenges are there still, its order is done. */
  async forgetProofs({ namespace }: Wish): Promise<void> {
    const challenges = await this.challenges(namespace)
    const urls = challenges.map(({ spec }) => spec.authorizationURL)
    await forgetProofs(this.world, this.issuer, urls)
  }

  async hold(command: Command): Promise<void> {
    await writeFile(`${this.#gate}.${command}`, '')
  }

  async letGo(command: Command): Promise<void> {
    await rm(`${this.#gate}.${command}`, { force: true })
  }

  async breakDown(command: Command): Promise<void> {
    await writeFile(`${this.#gate}.fail.${command}`, '')
  }

  async mend(command: Command): Promise<void> {
    await rm(`${this.#gate}.fail.${command}`, { force: true })
  }

  /** `hold`: the second name server shows nothing new, so no propagation check ends. */
  async secondServer(mode: 'answer' | 'hold'): Promise<void> {
    const { controlUrl } = this.world.servers.dns
    const body = JSON.stringify({ mode })
    const answer = await fetch(`${controlUrl}/servers/2`, {
      method: 'POST',
      headers: { connection: 'close' },
      body,
    })
    if (!answer.ok) throw new Error(`POST /servers/2: ${answer.status} ${await answer.text()}`)
  }

  /** TXT values that the zone holds at the challenge name. */
  async records(): Promise<string[]> {
    const answer = await fetch(`${this.world.servers.dns.controlUrl}/zone/certloom.test`, {
      headers: { connection: 'close' },
    })
    const { records } = (await answer.json()) as { records: { name: string; type: string; data: string }[] }
    return records.filter((one) => one.type === 'TXT' && one.name === this.fqdn).map((one) => one.data)
  }

  /** Waits until a call of the command has started that was not there after `lines` lines of the log. */
  runs(command: Command, lines: number): Promise<LogLine> {
    return this.world.until(`${command} of ${this.fqdn} runs`, 60, async () =>
      runningCalls((await this.log()).slice(lines)).find((call) => call.command === command),
    )
  }

  /** Waits until one value stands and its Certificate waits for the name servers; says whose it is. */
  held(wishes: readonly Wish[]): Promise<Wish & { value: string }> {
    return this.world.until(`${this.fqdn} is held`, 60, async () => {
      const log = await this.log()
      const [value] = standingValues(log)
      if (value === undefined || runningCalls(log).length > 0) return undefined
      return this.ownerOf(value, wishes)
    })
  }

  /** Whose challenge a value answers. */
  async ownerOf(value: string, wishes: readonly Wish[]): Promise<(Wish & { value: string }) | undefined> {
    for (const { namespace, name } of wishes) {
      const challenges = await this.challenges(namespace)
      if (challenges.some((one) => one.spec.key === value)) return { namespace, name, value }
    }
    return undefined
  }

  async challenges(namespace: string): Promise<Challenge[]> {
    return (await this.world.kubernetes.list<Challenge>(apiPath('Challenge', namespace))).items
  }

  certificateWorkflow({ namespace, name }: Wish) {
    return this.world.temporal.workflow.getHandle(`certificate/${namespace}/${name}`)
  }

  lockWorkflow() {
    return this.world.temporal.workflow.getHandle(`dns-name/${this.fqdn.replace(/\.$/, '')}`)
  }

  status(wish: Wish): Promise<StatusAnswer> {
    return this.certificateWorkflow(wish).query(statusQuery)
  }

  /** Waits until a Certificate says that it waits for the name. */
  waits(wish: Wish): Promise<unknown> {
    return this.world.until(`${wish.name} waits for its turn`, 60, () => this.#isWaiting(wish))
  }

  /**
   * Waits until all but the holder wait for the name. One that is past its revision does not: Pebble uses at least one
   * of a hundred valid authorizations again, and then nothing has to be proven.
   */
  async others(holder: Wish, wishes: readonly Wish[], revisions: readonly number[]): Promise<void> {
    await Promise.all(
      wishes.map(async (wish, at) => {
        if (wish.namespace === holder.namespace && wish.name === holder.name) return
        await this.world.until(
          `${wish.name} waits for its turn`,
          60,
          async () => (await this.status(wish)).revision > (revisions[at] ?? 0) || this.#isWaiting(wish),
        )
      }),
    )
  }

  async #isWaiting(wish: Wish): Promise<boolean> {
    return (await this.status(wish)).finding.includes('is in use by')
  }
}
