import { after, before, describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { chmod, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { KubernetesError } from '../../../activities/clients/kubernetes.ts'
import type { Certificate } from '../../../k8s-bridge/api/certificate.ts'
import { failures, type FailureCode } from '../../../workflows/domain/failures.ts'
import { condition, World, type AnyObject } from '../support/world.ts'
import { clusterIssuer, openSite, type AcmeSite } from './support/acme-world.ts'

/** How soon a person must hear of a mistake, and how soon its mending must show, in seconds. */
const HEAR = 5
const MENDED = 30
const MENDED_PLUGIN_FILE = 60

const PLUGIN_TIMEOUT = 2

let world: World
before(async () => {
  world = await World.open()
  await world.startController()
})
after(() => world.close())

interface Refusal {
  mistake: string
  spec(site: AcmeSite): object
  /** What the refusal names: the field and what to do. */
  says: RegExp
}

const refusals: Refusal[] = [
  {
    mistake: 'no names',
    spec: ({ name }) => clusterIssuer(name),
    says: /at least one of .*dnsNames/i,
  },
  {
    mistake: 'an unknown issuer kind',
    spec: ({ name, domain }) => ({ dnsNames: [domain], issuerRef: { kind: 'Isuer', name } }),
    says: /issuerRef\.kind.*Issuer or ClusterIssuer/is,
  },
  {
    mistake: 'a duration under one hour',
    spec: ({ name, domain }) => ({ dnsNames: [domain], duration: '30m', ...clusterIssuer(name) }),
    says: /spec\.duration.*1h/is,
  },
]

interface Row {
  mistake: string
  code: FailureCode
  /** What the text names, besides the remedy. */
  says: RegExp
  options?: Parameters<typeof openSite>[2]
  /** The issuer is what is wrong: it is not waited for. */
  mendsIssuer?: boolean
  /** More of the solver's configuration. */
  config?: object
  /** Makes it wrong before the Certificate is applied. */
  spoil(site: AcmeSite): Promise<unknown>
  mend(site: AcmeSite): Promise<unknown>
  mendedWithin: number
  /** Orders at the CA until the mistake shows: none where it could be known before. */
  ordersBefore: 0 | 1
  /** Milliseconds from the apply until the mistake happens: a timeout. */
  happensAfter?: number
}

const rows: Row[] = [
  {
    mistake: 'a missing issuer',
    code: 'IssuerNotFound',
    says: /ClusterIssuer issuer-missing-/,
    options: { issuer: false },
    spoil: () => Promise.resolve(),
    mend: (site) => applyIssuer(site),
    mendedWithin: MENDED,
    ordersBefore: 0,
  },
  {
    mistake: 'an issuer that is not ready',
    code: 'IssuerNotReady',
    says: /InvalidSolver|must be a file name/,
    options: { issuer: false },
    spoil: (site) => applyIssuer(site, { plugin: '../../bin/sh' }),
    mend: (site) => applyIssuer(site),
    mendedWithin: MENDED,
    ordersBefore: 0,
  },
  {
    mistake: 'a profile that the CA does not offer',
    code: 'IssuerNotReady',
    says: /spec\.acme\.profile: the server does not offer no-such-profile; it offers: default/,
    options: { acme: { profile: 'no-such-profile' } },
    mendsIssuer: true,
    spoil: () => Promise.resolve(),
    mend: (site) => applyIssuer(site),
    mendedWithin: MENDED,
    ordersBefore: 0,
  },
  {
    mistake: 'a missing plugin',
    code: 'PluginMissing',
    says: /plugin-missing-\d+.*is not in the plugin directory/,
    spoil: ({ plugin }) => rm(join(world.pluginDirectory, plugin.name)),
    mend: ({ plugin }) => plugin.put(),
    mendedWithin: MENDED_PLUGIN_FILE,
    ordersBefore: 0,
  },
  {
    mistake: 'a plugin that is not executable',
    code: 'PluginNotExecutable',
    says: /has no execute permission|cannot be executed|execute permission/,
    spoil: ({ plugin }) => chmod(join(world.pluginDirectory, plugin.name), 0o644),
    mend: ({ plugin }) => chmod(join(world.pluginDirectory, plugin.name), 0o755),
    mendedWithin: MENDED_PLUGIN_FILE,
    ordersBefore: 0,
  },
  {
    mistake: 'a missing Secret of the plugin',
    code: 'SecretNotFound',
    says: /Secret cert-manager\/plugin-secret-missing-\d+ does not exist/,
    spoil: ({ name }) => world.remove('Secret', 'cert-manager', name),
    mend: ({ plugin }) => plugin.configure(),
    mendedWithin: MENDED,
    ordersBefore: 0,
  },
  {
    mistake: 'a missing key in the Secret of the plugin',
    code: 'SecretKeyMissing',
    says: /has no key "config\.json"/,
    spoil: async ({ name }) => {
      await world.remove('Secret', 'cert-manager', name)
      await world.secret('cert-manager', name, { 'other.json': '{}' })
    },
    mend: ({ plugin }) => plugin.configure(),
    mendedWithin: MENDED,
    ordersBefore: 0,
  },
  {
    mistake: 'a plugin that fails with exit code 1',
    code: 'PluginFailed',
    says: /exit code 1: the provider is in a bad mood/,
    spoil: ({ plugin }) => plugin.feel({ CREATE: { exit: 1, stderr: 'the provider is in a bad mood' } }),
    mend: ({ plugin }) => plugin.feel({}),
    mendedWithin: MENDED,
    ordersBefore: 1,
  },
  {
    mistake: 'a plugin that refuses its configuration with exit code 2',
    code: 'PluginConfigInvalid',
    says: /exit code 2: no zone in the configuration/,
    spoil: ({ plugin }) => plugin.feel({ CREATE: { exit: 2, stderr: 'no zone in the configuration' } }),
    mend: async ({ plugin }) => {
      await plugin.feel({})
      await plugin.configure('cert-manager', { zone: 'example.com' })
    },
    mendedWithin: MENDED,
    ordersBefore: 1,
  },
  {
    mistake: 'a plugin of another API version, exit code 3',
    code: 'PluginVersionUnsupported',
    says: /exit code 3: APIVERSION v1 is too new/,
    spoil: ({ plugin }) => plugin.feel({ CREATE: { exit: 3, stderr: 'APIVERSION v1 is too new' } }),
    mend: ({ plugin }) => plugin.feel({}),
    mendedWithin: MENDED_PLUGIN_FILE,
    ordersBefore: 1,
  },
  {
    mistake: 'a plugin that hangs',
    code: 'PluginTimedOut',
    says: /more than 2 s/,
    config: { timeoutSeconds: PLUGIN_TIMEOUT },
    spoil: ({ plugin }) => plugin.feel({ CREATE: { hang: true } }),
    mend: ({ plugin }) => plugin.feel({}),
    mendedWithin: MENDED_PLUGIN_FILE,
    ordersBefore: 1,
    happensAfter: PLUGIN_TIMEOUT * 1000,
  },
  {
    mistake: 'a CA that cannot be reached and never was',
    code: 'IssuerNotReady',
    says: /127\.0\.0\.1.*spec\.acme\.server|ACME server/,
    options: { issuer: false },
    spoil: async (site) => {
      await site.proxy.shut()
      await applyIssuer(site)
    },
    mend: ({ proxy }) => proxy.open(),
    mendedWithin: MENDED,
    ordersBefore: 0,
  },
  {
    mistake: 'a CA that can no longer be reached',
    code: 'CaUnreachable',
    says: /connection refused by 127\.0\.0\.1/,
    spoil: async ({ name, proxy }) => {
      await issuerReady(name)
      await proxy.shut()
    },
    mend: ({ proxy }) => proxy.open(),
    mendedWithin: MENDED,
    ordersBefore: 0,
  },
]

function applyIssuer({ name, proxy }: AcmeSite, config: object = {}): Promise<unknown> {
  const solver = { plugin: name, secretRef: { name, key: 'config.json' }, ...config }
  return world.acmeIssuer(name, { config: solver, server: proxy.directoryUrl })
}

function issuerReady(name: string): Promise<unknown> {
  return world.untilObject<AnyObject>('ClusterIssuer', undefined, name, 'Ready', (one) =>
    (one.status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True'),
  )
}

describe('bad input is refused when it is applied', { concurrency: true }, () => {
  for (const refusal of refusals) {
    const { mistake, says } = refusal
    test(`${mistake}: the refusal names the field and the remedy, and once mended the certificate is issued`, async () => {
      const site = await openSite(world, mistake.replaceAll(/\W+/g, '-').slice(0, 20))
      try {
        const started = Date.now()
        await assert.rejects(
          world.certificate(site.namespace, 'wrong', refusal.spec(site)),
          (error: unknown) => {
            assert.ok(error instanceof KubernetesError)
            assert.match(error.message, says)
            return true
          },
        )
        assert.ok(Date.now() - started < HEAR * 1000)
        await world.certificate(site.namespace, 'wrong', {
          dnsNames: [site.domain],
          ...clusterIssuer(site.name),
        })
        const ready = await world.ready(site.namespace, 'wrong', { seconds: MENDED })
        assert.equal(ready.status?.failedIssuanceAttempts, undefined)
        assert.equal(site.proxy.orders, 1)
      } finally {
        await site.proxy.close()
      }
    })
  }
})

describe(
  'bad input stalls the Certificate with cause and remedy, and mending is enough',
  { concurrency: 4 },
  () => {
    for (const row of rows) {
      test(`${row.mistake}: Stalled within ${HEAR} s, Ready within ${row.mendedWithin} s of mending`, async () => {
        const site = await openSite(world, slug(row), row.options)
        try {
          await stalledThenMended(row, site)
        } finally {
          await site.proxy.close()
        }
      })
    }
  },
)

async function stalledThenMended(row: Row, site: AcmeSite): Promise<void> {
  const { namespace, name, proxy } = site
  if (row.config !== undefined) await applyIssuer(site, row.config)
  if (row.options?.issuer !== false && row.mendsIssuer !== true) await issuerReady(name)
  await row.spoil(site)

  const happened = await applyAndWait(row, site)
  const stalled = await world.untilObject<Certificate>(
    'Certificate',
    namespace,
    'wrong',
    `Stalled ${row.code}`,
    (one) => condition(one, 'Stalled')?.reason === row.code,
    HEAR,
  )
  assert.ok(Date.now() - happened <= HEAR * 1000, `Stalled after ${Date.now() - happened} ms`)
  const { message = '', status } = condition(stalled, 'Stalled') ?? {}
  assert.equal(status, 'True')
  assert.match(message, row.says)
  assert.ok(message.includes(failures[row.code].remedy), message)
  assert.match(message, / (Waiting for .+ to act|Nobody has to act)\.$/)
  const event = await world.until(`event ${row.code}`, HEAR, async () =>
    (await world.events(namespace, 'Certificate', 'wrong')).find(({ reason }) => reason === row.code),
  )
  assert.deepEqual([event.type, event.message], ['Warning', message])
  assert.equal(proxy.orders, row.ordersBefore)

  await row.mend(site)
  const ready = await world.ready(namespace, 'wrong', { seconds: row.mendedWithin })
  assert.equal(condition(ready, 'Stalled'), undefined)
  assert.equal(ready.status?.failedIssuanceAttempts, undefined)
  assert.equal(ready.status?.revision, 1)
  assert.equal(proxy.orders, 1)
}

/** Applies the Certificate and returns when the mistake happened: now, at the plugin's exit, or at its timeout. */
async function applyAndWait(row: Row, { namespace, name, domain, plugin }: AcmeSite): Promise<number> {
  await world.certificate(namespace, 'wrong', { dnsNames: [domain], ...clusterIssuer(name) })
  if (row.ordersBefore === 0) return Date.now()
  const [call] = await world.until('the first call of the plugin', 20, async () => {
    const calls = await plugin.calls()
    return calls.length > 0 && calls
  })
  const happened = Date.parse(call?.at ?? '') + (row.happensAfter ?? 0)
  await world.until('the timeout of the plugin', 20, () => Promise.resolve(Date.now() >= happened))
  return happened
}

function slug({ mistake }: Row): string {
  return mistake
    .replace(/^an? /, '')
    .replace(
      /^missing (\w+)( of the plugin)?.*$/,
      (_all, what: string, of?: string) =>
        `${of === undefined ? '' : 'plugin-'}${what.toLowerCase()}-missing`,
    )
    .replaceAll(/\W+/g, '-')
    .toLowerCase()
    .slice(0, 24)
    .replace(/-$/, '')
}
