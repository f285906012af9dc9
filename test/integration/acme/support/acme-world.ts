import { rename, writeFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Challenge } from '../../../../k8s-bridge/api/challenge.ts'
import type { Order } from '../../../../k8s-bridge/api/order.ts'
import { apiPath } from '../../../../k8s-bridge/api/kinds.ts'
import { installPlugin } from '../../../../tools/plugins/install.ts'
import type { Logged } from '../../../../tools/dns-fixture/journal.ts'
import { AcmeProxy } from '../../../../tools/observe/acme-proxy.ts'
import type { World } from '../../support/world.ts'

/** How a call of the plugin "moody" goes; nothing given: as it should. */
export interface Mood {
  exit?: number
  stderr?: string
  echo?: boolean
  hang?: true | 'after'
  value?: string
}
export type Moods = Partial<Record<'CREATE' | 'DELETE', Mood>>

export interface PluginCall {
  at: string
  command: 'CREATE' | 'DELETE'
  fqdn: string
  token: string
  exitCode?: number
  /** Process id of a call that hangs. */
  hangs?: number
}

/** A plugin of one issuer's own, whose mood a test changes. */
export class MoodyPlugin {
  readonly name: string
  readonly #world: World

  private constructor(world: World, name: string) {
    this.#world = world
    this.name = name
  }

  /** With a Secret of its name in `secretNamespace`. */
  static async install(world: World, name: string, secretNamespace = 'cert-manager'): Promise<MoodyPlugin> {
    const plugin = new MoodyPlugin(world, name)
    await plugin.put()
    await plugin.configure(secretNamespace)
    return plugin
  }

  /** Its configuration, a JSON text; `more` is added. */
  configuration(more: object = {}): string {
    return JSON.stringify({
      url: this.#world.servers.dns.controlUrl,
      log: this.#file('log'),
      mood: this.#file('mood'),
      ...more,
    })
  }

  configure(secretNamespace = 'cert-manager', more: object = {}): Promise<unknown> {
    return this.#world.secret(secretNamespace, this.name, { 'config.json': this.configuration(more) })
  }

  /** Puts the program into the plugin directory. */
  put(): Promise<string> {
    const source = fileURLToPath(new URL('../plugins/moody.mjs', import.meta.url))
    return installPlugin(source, this.#world.pluginDirectory, this.name)
  }

  async feel(moods: Moods): Promise<void> {
    const file = this.#file('mood')
    await writeFile(`${file}.new`, JSON.stringify(moods))
    await rename(`${file}.new`, file)
  }

  async calls(): Promise<PluginCall[]> {
    const text = await readFile(this.#file('log'), 'utf8').catch(() => '')
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as PluginCall)
  }

  #file(what: string): string {
    return join(this.#world.folder, `${this.name}.${what}`)
  }
}

export interface AcmeSite {
  namespace: string
  plugin: MoodyPlugin
  proxy: AcmeProxy
  /** The name of the plugin and of the ClusterIssuer. */
  name: string
  domain: string
}

/** A namespace, a plugin and a ClusterIssuer of one test's own, behind a proxy of its own. */
export async function openSite(
  world: World,
  name: string,
  options: { issuer?: boolean; acme?: object } = {},
): Promise<AcmeSite> {
  const unique = `${name}-${process.pid}`
  const [namespace, plugin, proxy] = await Promise.all([
    world.namespace(name),
    MoodyPlugin.install(world, unique),
    AcmeProxy.start(world.servers),
  ])
  if (options.issuer !== false)
    await world.acmeIssuer(unique, { plugin: unique, server: proxy.directoryUrl, acme: options.acme })
  return { namespace, plugin, proxy, name: unique, domain: `${unique}.example.com` }
}

export const clusterIssuer = (name: string) => ({ issuerRef: { kind: 'ClusterIssuer', name } })

export async function orders(world: World, namespace: string): Promise<Order[]> {
  return (await world.kubernetes.list<Order>(apiPath('Order', namespace))).items
}

export async function challenges(world: World, namespace: string): Promise<Challenge[]> {
  return (await world.kubernetes.list<Challenge>(apiPath('Challenge', namespace))).items
}

/** Waits until every record is gone and with it its Challenge: a certificate is Ready before. */
export async function cleanedUp(world: World, namespace: string): Promise<void> {
  await world.until('Challenges gone', 10, async () => (await challenges(world, namespace)).length === 0)
}

/** TXT values that the zone holds at a name, as both servers will show them. */
export async function txtRecords(world: World, name: string, zone = 'example.com'): Promise<string[]> {
  const { records } = await dnsFixture<{ records: { name: string; type: string; data: string }[] }>(
    world,
    'GET',
    `/zone/${zone}`,
  )
  return records
    .filter((record) => record.type === 'TXT' && record.name === `${name.replace(/\.$/, '')}.`)
    .map(({ data }) => data)
}

/** Asks the control API of the name servers. */
export async function dnsFixture<T = unknown>(
  world: World,
  method: string,
  path: string,
  body?: object,
): Promise<T> {
  const response = await fetch(world.servers.dns.controlUrl + path, {
    method,
    headers: { connection: 'close' },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return JSON.parse(text) as T
}

/** What the name servers were asked and told after an entry. */
export function dnsLog(world: World, after = 0): Promise<Logged[]> {
  return dnsFixture<Logged[]>(world, 'GET', `/log?after=${after}`)
}

/** An error with what its workflow was about: luck plays a part where a CA refuses at random. */
export async function throwWithWorkflow(world: World, workflowId: string, error: unknown): Promise<never> {
  const { raw } = await world.temporal.workflow.getHandle(workflowId).describe()
  const pending = (raw.pendingActivities ?? []).map(({ activityId, attempt, lastFailure }) => ({
    activityId,
    attempt,
    lastFailure: lastFailure?.message,
  }))
  throw new Error(`${(error as Error).message}; pending: ${JSON.stringify(pending)}`, { cause: error })
}
