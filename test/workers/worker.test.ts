import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import type { Kubernetes } from '../../activities/clients/kubernetes.ts'
import type { ActivityDeps } from '../../activities/deps.ts'
import { readConfiguration } from '../../workers/configuration.ts'
import { nameLocks } from '../../workers/name-locks.ts'
import { Telemetry } from '../../workers/telemetry/telemetry.ts'
import { WorkerRole } from '../../workers/worker.ts'
import { recordingLogger } from '../bridge/support/harness.ts'
import { inWorld, until, type World } from '../workflows/support.ts'

const test = inWorld('development')

/** The workers of a cluster where nothing is but the key of certloom. */
function roleOf(world: World, settings: { namespace?: string; prefix?: string } = {}) {
  const log = recordingLogger()
  const configuration = readConfiguration({
    TEMPORAL_ADDRESS: world.address,
    TEMPORAL_NAMESPACE: settings.namespace ?? world.namespace,
    CERTLOOM_WORKFLOW_PREFIX: settings.prefix ?? '',
  })
  const key = { data: { hmac: randomBytes(32).toString('base64') } }
  const kubernetes = { get: async () => key, list: async () => ({ items: [] }) } as unknown as Kubernetes
  const made: ActivityDeps[] = []
  const role = new WorkerRole({
    configuration,
    kubernetes,
    log,
    telemetry: new Telemetry(log, configuration.prefix),
    mayWrite: () => true,
    instrument: {
      deps(deps) {
        made.push(deps)
        return deps
      },
      activities: (activities) => activities,
    },
  })
  const failedStarts = () =>
    log.lines.filter(({ message }) => message.startsWith('worker cannot start')).length
  return { role, made, failedStarts, [Symbol.asyncDispose]: () => role.stop() }
}

test('connections and timers are made once, however often the Lease comes and goes', async (world) => {
  await using cluster = roleOf(world, { prefix: `${randomUUID()}-` })
  const { role, made } = cluster
  for (const held of [true, false, true]) {
    await role.set(held)
    assert.equal(role.polling, held)
  }
  assert.equal(made.length, 1)
})

test('a start that fails, again and again, leaves nothing behind', async (world) => {
  await using cluster = roleOf(world, { namespace: 'not-there' })
  const { role, made, failedStarts } = cluster
  const before = process.getActiveResourcesInfo().filter(isThread).length
  void role.set(true)
  await until('two starts failed', async () => failedStarts() >= 2)
  await role.set(false)
  assert.ok(made.length <= 1)
  assert.equal(process.getActiveResourcesInfo().filter(isThread).length, before)
})

const isThread = (resource: string) => resource === 'MessagePort'

test('the locks of a cluster with a prefix run on its own workers', async (world) => {
  const prefix = `${randomUUID()}-`
  await using cluster = roleOf(world, { prefix })
  await cluster.role.set(true)
  const locks = nameLocks(world.client, prefix)
  const fqdn = `_acme-challenge.${randomUUID()}.example.com.`
  const challenge = { namespace: 'shop', name: 'web', uid: 'uid-web' }
  const answer = await locks.acquire(fqdn, {
    v: 1,
    requestId: 'uid-web',
    workflowId: `${prefix}certificate/shop/web`,
    challenge,
    holding: false,
  })
  assert.deepEqual(answer, { granted: true, position: 0 })
  await locks.release(fqdn, 'uid-web')
})
