import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { apiPath } from '../../../../k8s-bridge/api/kinds.ts'
import { installPlugin } from '../../../../tools/plugins/install.ts'
import type { LocalServers } from '../../../../tools/servers/servers.ts'
import type { AnyObject, World } from '../../support/world.ts'
import { Follow } from './follow.ts'
import type { Marks } from './marks.ts'

export const carelessWays = ['raw', 'hex', 'base64', 'inside', 'all'] as const

const domain = 'example.com'

/** Whatever may hold a secret, with every secret marked before anybody of ours has seen it. */
export class Scenario {
  readonly namespace: string
  readonly #world: World
  readonly #marks: Marks
  /** Of Certificates that were Ready, deleted ones among them. */
  readonly #revisions = new Map<string, number>()
  #follow: Follow | undefined

  private constructor(world: World, marks: Marks, namespace: string) {
    this.#world = world
    this.#marks = marks
    this.namespace = namespace
  }

  static async open(world: World, marks: Marks): Promise<Scenario> {
    const source = fileURLToPath(new URL('../plugins/canary.mjs', import.meta.url))
    await installPlugin(source, world.pluginDirectory, 'canary')
    const scenario = new Scenario(world, marks, await world.namespace('scan'))
    await scenario.#markToken()
    const path = apiPath('Certificate', scenario.namespace)
    scenario.#follow = await Follow.start(world, path, (one, deleted) => scenario.#see(one, deleted))
    return scenario
  }

  /** What the kernel showed of every plugin that ran: environment and command line. */
  get seenFile(): string {
    return join(this.#world.folder, 'plugins-seen.jsonl')
  }

  /** A token as providers give them out, marked. */
  token(secret: string): string {
    const token = `tok-${randomBytes(24).toString('base64url')}`
    this.#marks.add(secret, token)
    return token
  }

  async selfSignedAndCa(): Promise<void> {
    const { namespace } = this
    await this.#issuer('self', { selfSigned: {} })
    await this.#ready('Issuer', 'self')
    await this.certificate('root', {
      isCA: true,
      commonName: 'root',
      dnsNames: undefined,
      issuerRef: { name: 'self' },
    })
    await this.#world.ready(namespace, 'root', { seconds: 60 })
    await this.#issuer('ca', { ca: { secretName: 'root-tls' } })
    await this.#ready('Issuer', 'ca')
  }

  /** An issuer with external account binding, whose plugin has a token; `careless`: the plugin fails and shouts it. */
  async acme(pebble: LocalServers, eab: { keyId: string; key: string }, careless?: string): Promise<string> {
    const name = `canary-${careless ?? 'good'}-${process.pid}`
    await this.#world.secret('cert-manager', name, {
      'config.json': JSON.stringify({
        url: this.#world.servers.dns.controlUrl,
        seen: this.seenFile,
        token: this.token(`token of the plugin of ${name}`),
        careless,
      }),
      eab: eab.key,
    })
    await this.#world.acmeIssuer(name, {
      server: pebble.pebble.directoryUrl,
      config: { plugin: 'canary', secretRef: { name, key: 'config.json' }, timeoutSeconds: 20 },
      acme: {
        caBundle: Buffer.from(pebble.pebble.caPem).toString('base64'),
        externalAccountBinding: { keyID: eab.keyId, keySecretRef: { name, key: 'eab' } },
      },
    })
    await this.#ready('ClusterIssuer', name)
    return name
  }

  /** Issuers whose secrets cannot be used: what is wrong with them is said without them. */
  async brokenIssuers(pebble: LocalServers, keyId: string): Promise<void> {
    const { namespace } = this
    const broken = this.token('text in the place of a CA key')
    const root = await this.#world.get<AnyObject>('Secret', namespace, 'root-tls')
    const chain = Buffer.from(root?.data?.['tls.crt'] ?? '', 'base64').toString()
    await this.#world.secret(namespace, 'broken-ca', {
      'tls.crt': chain,
      'tls.key': `-----BEGIN PRIVATE KEY-----\n${broken}\n-----END PRIVATE KEY-----\n`,
    })
    await this.#issuer('broken-ca', { ca: { secretName: 'broken-ca' } })
    for (const [name, key] of Object.entries({
      'eab-illegible': `${this.token('illegible EAB key')} !`,
      'eab-wrong': this.#eabKey('wrong EAB key'),
    })) {
      await this.#world.secret(namespace, name, { key })
      const { directoryUrl, caPem } = pebble.pebble
      await this.#issuer(name, {
        acme: {
          server: directoryUrl,
          caBundle: Buffer.from(caPem).toString('base64'),
          privateKeySecretRef: { name: `${name}-account` },
          externalAccountBinding: { keyID: keyId, keySecretRef: { name, key: 'key' } },
          solvers: [],
        },
      })
    }
    for (const name of ['broken-ca', 'eab-illegible', 'eab-wrong'])
      await this.#world.untilObject(
        'Issuer',
        namespace,
        name,
        'not Ready',
        (one: AnyObject) =>
          (one.status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'False'),
        60,
      )
  }

  eabKey(): string {
    return this.#eabKey('EAB key')
  }

  async certificate(name: string, spec: object): Promise<void> {
    await this.#world.certificate(this.namespace, name, {
      dnsNames: [`${name}.${this.namespace}.${domain}`],
      issuerRef: { name: 'ca' },
      ...spec,
    })
  }

  /** Certificates that are Ready, and the sum of their revisions: issuances. */
  issued(): { ready: number; issuances: number } {
    this.#follow?.check()
    const revisions = [...this.#revisions.values()]
    return { ready: revisions.length, issuances: revisions.reduce((sum, revision) => sum + revision, 0) }
  }

  async close(): Promise<void> {
    await this.#follow?.stop()
  }

  #see({ metadata, status }: AnyObject, deleted: boolean): void {
    const conditions = status?.conditions ?? []
    const ready = conditions.some((one) => one.type === 'Ready' && one.status === 'True')
    const issuing = conditions.some((one) => one.type === 'Issuing')
    if (ready && !issuing && !deleted) this.#revisions.set(metadata.name, Number(status?.['revision'] ?? 0))
  }

  async #markToken(): Promise<void> {
    const { KUBECONFIG = '' } = await this.#world.settings()
    const [, token = ''] = /"?token"?: *"?([\w.-]+)/.exec(await readFile(KUBECONFIG, 'utf8')) ?? []
    // The signature: the parts before it say who we are, not that we are.
    this.#marks.add('token of the service account', token.split('.')[2] ?? '')
  }

  #eabKey(secret: string): string {
    const key = randomBytes(32)
    this.#marks.add(secret, key)
    this.#marks.add(`${secret}, as text`, key.toString('base64url'))
    return key.toString('base64url')
  }

  #issuer(name: string, spec: object): Promise<unknown> {
    return this.#world.apply('Issuer', { metadata: { namespace: this.namespace, name }, spec })
  }

  #ready(kind: 'Issuer' | 'ClusterIssuer', name: string): Promise<unknown> {
    const namespace = kind === 'Issuer' ? this.namespace : undefined
    return this.#world.untilObject<AnyObject>(
      kind,
      namespace,
      name,
      'Ready',
      (one) =>
        (one.status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True'),
      60,
    )
  }
}
