import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { apiPath } from '../../../../k8s-bridge/api/kinds.ts'
import { installPlugin } from '../../../../tools/plugins/install.ts'
import { AcmeProxy } from '../../../../tools/observe/acme-proxy.ts'
import type { Servers } from '../../../../tools/servers/handle.ts'
import type { AnyObject, World } from '../../support/world.ts'
import { Follow } from './follow.ts'
import type { Marks } from './marks.ts'

/** How a plugin tells its token; `words`: the token is a passphrase, which looks like nothing secret. */
export const carelessWays = ['raw', 'hex', 'base64', 'inside', 'all', 'words'] as const

/** What a CA refuses, repeating the key of the external account binding in its answer. */
export const tattled = ['account', 'order'] as const

export const pasted = 'key that a person pasted into a name'

const domain = 'example.com'

export interface EabKey {
  keyId: string
  /** base64url. */
  key: string
}

/** Whatever may hold a secret, with every secret marked before anybody of ours has seen it. */
export class Scenario {
  readonly namespace: string
  readonly #world: World
  readonly #marks: Marks
  /** Of Certificates that were Ready, deleted ones among them. */
  readonly #revisions = new Map<string, number>()
  readonly #proxies: AcmeProxy[] = []
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

  /** Three words of random letters, marked. */
  passphrase(secret: string): string {
    const letters = Array.from(randomBytes(30), (byte) => String.fromCharCode(97 + (byte % 26))).join('')
    const words = letters.match(/.{10}/g) ?? []
    this.#marks.add(secret, words.join('-'))
    return words.join('-')
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
  async acme(pebble: Servers, eab: EabKey, careless?: string): Promise<string> {
    const name = `canary-${careless ?? 'good'}-${process.pid}`
    await this.#world.secret('cert-manager', name, {
      'config.json': JSON.stringify({
        url: this.#world.servers.dns.controlUrl,
        seen: this.seenFile,
        token:
          careless === 'words'
            ? this.passphrase(`passphrase of the plugin of ${name}`)
            : this.token(`token of the plugin of ${name}`),
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

  /**
   * Issuers at a CA that says the key of their external account binding to whoever is refused: one gets no account, the
   * other has one and gets no order. Returns the one that is Ready.
   */
  async tattlingCas(pebble: Servers, eab: EabKey): Promise<string> {
    const detail = (key: string) => `the key ${key} is over its limit`
    const name = (refuses: (typeof tattled)[number]) => `tattles-${refuses}-${process.pid}`
    for (const refuses of tattled) {
      const proxy = await AcmeProxy.start(pebble)
      this.#proxies.push(proxy)
      const key = refuses === 'account' ? this.#eabKey('EAB key that the CA repeats') : eab.key
      proxy.refuse(refuses, detail(key))
      await this.#world.secret('cert-manager', name(refuses), { 'config.json': '{}', eab: key })
      await this.#world.acmeIssuer(name(refuses), {
        server: proxy.directoryUrl,
        config: { plugin: 'canary', secretRef: { name: name(refuses), key: 'config.json' } },
        acme: {
          caBundle: Buffer.from(pebble.pebble.caPem).toString('base64'),
          externalAccountBinding: { keyID: eab.keyId, keySecretRef: { name: name(refuses), key: 'eab' } },
        },
      })
    }
    await this.#notReady('ClusterIssuer', name('account'))
    await this.#ready('ClusterIssuer', name('order'))
    return name('order')
  }

  /** Issuers whose secrets cannot be used: what is wrong with them is said without them. */
  async brokenIssuers(pebble: Servers, keyId: string): Promise<void> {
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
    for (const name of ['broken-ca', 'eab-illegible', 'eab-wrong']) await this.#notReady('Issuer', name)
  }

  /** A person has pasted a private key into a name: it stands in the object, and nowhere else. */
  async pasted(): Promise<void> {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    this.#marks.addKey(pasted, privateKey)
    const der = privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64')
    await this.certificate('pasted', { uris: [`urn:key:${der}`] })
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

  /** Certificates that were Ready, and the sum of their revisions, as certloom tells them. */
  told(): { ready: number; revisions: number } {
    this.#follow?.check()
    const all = [...this.#revisions.values()]
    return { ready: all.length, revisions: all.reduce((sum, revision) => sum + revision, 0) }
  }

  async close(): Promise<void> {
    await this.#follow?.stop()
    for (const proxy of this.#proxies) await proxy.close()
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
    return this.#said(kind, name, 'True')
  }

  #notReady(kind: 'Issuer' | 'ClusterIssuer', name: string): Promise<unknown> {
    return this.#said(kind, name, 'False')
  }

  #said(kind: 'Issuer' | 'ClusterIssuer', name: string, ready: 'True' | 'False'): Promise<unknown> {
    const namespace = kind === 'Issuer' ? this.namespace : undefined
    return this.#world.untilObject<AnyObject>(
      kind,
      namespace,
      name,
      `Ready ${ready}`,
      (one) =>
        (one.status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === ready),
      60,
    )
  }
}
