import { after, before, describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import type { Certificate } from '../../../k8s-bridge/api/certificate.ts'
import { renewSignal } from '../../../workflows/messages.ts'
import { condition, World } from '../support/world.ts'
import type { Controller } from '../support/controller.ts'
import {
  challenges,
  cleanedUp,
  clusterIssuer,
  MoodyPlugin,
  openSite,
  orders,
  txtRecords,
  type AcmeSite,
  type PluginCall,
} from './support/acme-world.ts'

let world: World
let controller: Controller
before(async () => {
  world = await World.open()
  controller = await world.startController()
})
after(() => world.close())

async function withSite(
  name: string,
  run: (site: AcmeSite) => Promise<void>,
  options?: Parameters<typeof openSite>[2],
): Promise<void> {
  const site = await openSite(world, name, options)
  try {
    await run(site)
  } finally {
    await site.proxy.close()
  }
}

function hanging(plugin: MoodyPlugin): Promise<PluginCall> {
  return world.until('a call of the plugin that hangs', 20, async () =>
    (await plugin.calls()).find(({ hangs }) => hangs !== undefined),
  )
}

async function untilEnded(pid: number): Promise<void> {
  await world.until(`process ${pid} ended`, 10, async () => {
    // A process that nobody has waited for yet is a zombie: it has ended.
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    return stat === '' || stat.split(') ')[1]?.startsWith('Z')
  })
}

/** DELETE came with the name and value of every CREATE, and nothing is left in DNS or in the namespace. */
async function assertCleanedUp({ namespace, plugin, domain }: AcmeSite): Promise<void> {
  await cleanedUp(world, namespace)
  const calls = await plugin.calls()
  for (const { fqdn, token } of calls.filter(({ command }) => command === 'CREATE')) {
    const last = calls.filter((call) => call.fqdn === fqdn && call.token === token).at(-1)
    assert.deepEqual([last?.command, last?.exitCode], ['DELETE', 0])
  }
  assert.deepEqual(await txtRecords(world, `_acme-challenge.${domain}`), [])
  const lock = `dns-name/_acme-challenge.${domain}`
  await world.until(
    'the lock of the name closed',
    10,
    async () => (await world.openWorkflows(lock)).length === 0,
  )
}

describe('the record of a challenge is removed', { concurrency: 3 }, () => {
  test('after a hanging plugin was given up because the Certificate asks for something else', async () => {
    await withSite('changed', async (site) => {
      const { namespace, plugin, name, domain, proxy } = site
      await plugin.feel({ CREATE: { hang: true } })
      await world.certificate(namespace, 'web', { dnsNames: [domain], ...clusterIssuer(name) })
      const { hangs = 0 } = await hanging(plugin)
      await plugin.feel({})
      await world.certificate(namespace, 'web', {
        dnsNames: [domain, `more.${domain}`],
        ...clusterIssuer(name),
      })
      await untilEnded(hangs)
      await world.ready(namespace, 'web')
      assert.equal(proxy.orders, 2)
      assert.equal(proxy.deactivated, 1)
      await assertCleanedUp(site)
    })
  })

  test('after the Certificate was deleted in the middle of its order: lock, order, key and Challenge go too', async () => {
    await withSite('deleted', async (site) => {
      const { namespace, plugin, name, domain, proxy } = site
      await plugin.feel({ CREATE: { hang: true } })
      await world.certificate(namespace, 'web', { dnsNames: [domain], ...clusterIssuer(name) })
      const { hangs = 0 } = await hanging(plugin)
      await world.remove('Certificate', namespace, 'web')
      await untilEnded(hangs)
      await assertCleanedUp(site)
      await world.until('the order abandoned at the CA', 10, () => Promise.resolve(proxy.deactivated === 1))
      const workflow = world.temporal.workflow.getHandle(`certificate/${namespace}/web`)
      await world.until(
        'the workflow ended',
        20,
        async () => (await workflow.describe()).status.name === 'COMPLETED',
      )
      await world.until('Order and Secrets gone', 20, async () => {
        const { items } = await world.kubernetes.list(`/api/v1/namespaces/${namespace}/secrets`)
        return (await orders(world, namespace)).length === 0 && items.length === 0
      })
    })
  })

  test('by a workflow of its own while DELETE fails: the certificate is Ready meanwhile, and the trouble is told', async () => {
    await withSite('handed-over', async (site) => {
      const { namespace, plugin, name, domain } = site
      await plugin.feel({ DELETE: { exit: 1, stderr: 'the provider keeps it' } })
      await world.certificate(namespace, 'web', { dnsNames: [domain], ...clusterIssuer(name) })
      await world.ready(namespace, 'web')
      const [challenge] = await challenges(world, namespace)
      assert.ok(challenge)
      const told = await world.until('the event CleanUpError', 20, async () =>
        (await world.events(namespace, 'Challenge', challenge.metadata.name)).find(
          ({ reason }) => reason === 'CleanUpError',
        ),
      )
      assert.match(told.message, /ended DELETE with exit code 1: the provider keeps it/)
      const id = await world.until('a workflow of its own', 10, async () =>
        (await world.openWorkflows('clean-up/')).find((one) => one.includes(challenge.metadata.uid ?? '-')),
      )
      const { currentDetails } = await world.until('the finding in the workflow', 20, async () => {
        const found = await world.temporal.workflow
          .getHandle(id)
          .query<{ currentDetails: string }>('__temporal_workflow_metadata')
        return found.currentDetails.includes('the provider keeps it') && found
      })
      assert.ok(currentDetails.includes(`_acme-challenge.${domain}`))

      await plugin.feel({})
      await world.untilGone('Challenge', namespace, challenge.metadata.name, 30)
      await assertCleanedUp(site)
      await world.until(
        'the clean-up ended',
        5,
        async () => (await world.temporal.workflow.getHandle(id).describe()).status.name === 'COMPLETED',
      )
    })
  })

  test('and a namespace that is deleted in mid-order goes within 60 s, even if the credentials of the plugin went first', async () => {
    const namespace = await world.namespace('doomed')
    const plugin = await MoodyPlugin.install(world, `doomed-${process.pid}`, namespace)
    const { directoryUrl, caPem } = world.servers.pebble
    const config = { plugin: plugin.name, secretRef: { name: plugin.name, key: 'config.json' } }
    await world.apply('Issuer', {
      metadata: { namespace, name: 'own' },
      spec: {
        acme: {
          server: directoryUrl,
          caBundle: Buffer.from(caPem).toString('base64'),
          privateKeySecretRef: { name: 'own-account' },
          solvers: [{ dns01: { webhook: { groupName: 'certloom.dev', solverName: 'exec', config } } }],
        },
      },
    })
    await plugin.feel({ CREATE: { hang: true } })
    await world.certificate(namespace, 'web', {
      dnsNames: [`${plugin.name}.example.com`],
      issuerRef: { name: 'own' },
    })
    await hanging(plugin)
    await world.remove('Secret', namespace, plugin.name)
    await world.remove('Namespace', undefined, namespace)
    await world.untilGone('Namespace', undefined, namespace, 60)
    await world.until(
      'no workflow of it open',
      10,
      async () => (await world.openWorkflows(`certificate/${namespace}/`)).length === 0,
    )
    const log = await controller.log()
    assert.ok(log.includes('a challenge record stays behind'))
  })
})

describe('a plugin that misbehaves', { concurrency: 3 }, () => {
  test('is killed at its timeout, while other certificates are issued', async () => {
    await withSite('stuck', async ({ namespace, plugin, name, domain, proxy }) => {
      const other = await MoodyPlugin.install(world, `fluent-${process.pid}`)
      const config = (one: MoodyPlugin) => ({
        plugin: one.name,
        secretRef: { name: one.name, key: 'config.json' },
        timeoutSeconds: 6,
      })
      await world.acmeIssuer(name, { server: proxy.directoryUrl, config: config(plugin) })
      await world.acmeIssuer(other.name, { config: config(other) })
      await plugin.feel({ CREATE: { hang: true } })
      await world.certificate(namespace, 'stuck', { dnsNames: [domain], ...clusterIssuer(name) })
      const { hangs = 0 } = await hanging(plugin)
      await world.certificate(namespace, 'fluent', {
        dnsNames: [`fluent.${domain}`],
        ...clusterIssuer(other.name),
      })
      await world.ready(namespace, 'fluent')
      await untilEnded(hangs)
      await world.untilObject<Certificate>(
        'Certificate',
        namespace,
        'stuck',
        'Stalled',
        (one) => condition(one, 'Stalled')?.reason === 'PluginTimedOut',
        5,
      )
      await plugin.feel({})
      await world.ready(namespace, 'stuck')
    })
  })

  test('and prints its configuration betrays nothing of it: no status, event, log or history has the secret', async () => {
    await withSite('echo', async ({ namespace, plugin, name, domain }) => {
      const secret = `hunter2-${'x'.repeat(8)}-Zm9vYmFy`
      await plugin.configure('cert-manager', { password: secret })
      await plugin.feel({
        CREATE: { exit: 1, stderr: 'cannot log in with', echo: true },
        DELETE: { exit: 2, stderr: 'still not', echo: true },
      })
      await world.certificate(namespace, 'web', { dnsNames: [domain], ...clusterIssuer(name) })
      await world.untilObject<Certificate>(
        'Certificate',
        namespace,
        'web',
        'Stalled',
        (one) => condition(one, 'Stalled') !== undefined,
        20,
      )
      const [challenge] = await challenges(world, namespace)
      assert.match(challenge?.status?.reason ?? '', /cannot log in with \[secret\]/)
      await plugin.feel({ DELETE: { exit: 2, stderr: 'still not', echo: true } })
      await world.temporal.workflow.getHandle(`certificate/${namespace}/web`).signal(renewSignal)
      const ready = await world.ready(namespace, 'web')
      await world.until('a clean-up that fails', 20, async () =>
        (await plugin.calls()).some(({ command, exitCode }) => command === 'DELETE' && exitCode === 2),
      )

      const { items: events } = await world.kubernetes.list(`/api/v1/namespaces/${namespace}/events`)
      const places: Record<string, string> = {
        Certificate: JSON.stringify(ready),
        Challenges: JSON.stringify(await challenges(world, namespace)),
        Orders: JSON.stringify(await orders(world, namespace)),
        events: JSON.stringify(events),
        log: await controller.log(),
        history: await historyText(`certificate/${namespace}/web`),
      }
      const [cleanUp] = (await world.openWorkflows('clean-up/')).filter((id) =>
        id.includes(ready.metadata.uid ?? '-'),
      )
      if (cleanUp !== undefined) places['history of the clean-up'] = await historyText(cleanUp)
      assert.match(places['history'] ?? '', /cannot log in with \[secret\]/)
      const forms = [
        secret,
        Buffer.from(secret).toString('base64').slice(0, -4),
        Buffer.from(secret).toString('hex'),
      ]
      for (const [place, text] of Object.entries(places)) {
        for (const form of forms) assert.ok(!text.includes(form), `${place} has the secret`)
      }
      await plugin.feel({})
      await world.until(
        'the clean-up ended',
        30,
        async () => (await challenges(world, namespace)).length === 0,
      )
    })
  })
})

test('the record of a challenge is removed after its worker was lost in the middle of CREATE, and only one order was made', async () => {
  await withSite('crash', async (site) => {
    const { namespace, plugin, name, domain, proxy } = site
    await plugin.feel({ CREATE: { hang: true } })
    await world.certificate(namespace, 'web', { dnsNames: [domain], ...clusterIssuer(name) })
    const { hangs = 0 } = await hanging(plugin)
    controller.kill()
    await controller.ended()
    process.kill(hangs, 'SIGKILL')
    await plugin.feel({})
    controller = await world.startController()
    await world.ready(namespace, 'web', { seconds: 60 })
    assert.equal(proxy.orders, 1)
    await assertCleanedUp(site)
  })
})

/** Everything that a history holds, payloads decoded. */
async function historyText(workflowId: string): Promise<string> {
  const { events = [] } = await world.temporal.workflow.getHandle(workflowId).fetchHistory()
  return JSON.stringify(events, (key, value: unknown) => {
    const bytes = value as { type?: string; data?: number[] } | null
    if (key === 'data' && value instanceof Uint8Array) return Buffer.from(value).toString()
    if (key === 'data' && bytes?.type === 'Buffer') return Buffer.from(bytes.data ?? []).toString()
    return value
  })
}
