import { WithStartWorkflowOperation } from '@temporalio/client'
import { cleanUpWorkflowId } from '../../workflows/domain/clean-up.ts'
import {
  acquireUpdate,
  releaseSignal,
  type AcquireMessage,
  type IssuerInput,
} from '../../workflows/messages.ts'
import {
  CLUSTER,
  DAY,
  Gate,
  HOUR,
  QUEUE,
  challenge,
  eventsOf,
  failure,
  fakeActivities,
  readyIssuer,
  startCertificate,
  timersOf,
  until,
  type Fakes,
  type ServerKind,
  type World,
} from '../workflows/support.ts'
import { runsOf } from './export.ts'
import type { History } from './histories.ts'

/** A piece of life that is worth keeping: what it answers with are the histories by name. */
export interface Scenario {
  readonly name: string
  /** Names of the histories, where they are not that of the scenario. */
  readonly keeps?: readonly string[]
  readonly server?: ServerKind
  run(world: World): Promise<Record<string, History[]>>
}

function order(names: string[], exclusive = false) {
  return (_cluster: Fakes['cluster'], namespace: string): Partial<Fakes['cluster']> => ({
    flow: 'order',
    names,
    groups: [names.map((name) => challenge(name, { namespace, exclusive, uid: `uid-${name}` }))],
  })
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'issue-and-renew',
    async run(world) {
      await using subject = await startCertificate(world)
      await subject.issued(1)
      await world.skip(60 * DAY + 60_000)
      await subject.issued(2)
      await subject.handle.signal('renew', { v: 1, reason: 'key leaked' })
      await subject.issued(3)
      return { 'issue-and-renew': await runsOf(world.client, subject.id) }
    },
  },
  {
    // The workflow of a selfSigned issuer is the same: `prepare` signs in both.
    name: 'issuer-ca',
    async run(world) {
      await using subject = await startCertificate(world, undefined, () => ({ flow: 'sign' as const }))
      await subject.issued(1)
      return { 'issuer-ca': await runsOf(world.client, subject.id) }
    },
  },
  {
    name: 'external-issuer',
    async run(world) {
      let signed = false
      await using subject = await startCertificate(
        world,
        (defaults) => ({
          async publish(input) {
            if (!signed) throw failure('WaitingForExternalIssuer', 'shop/web-1 is not signed yet')
            return defaults.publish(input)
          },
        }),
        () => ({ flow: 'external' as const }),
      )
      await subject.phase('Blocked')
      signed = true
      await subject.handle.signal('changed', { v: 1 })
      await subject.issued(1)
      return { 'external-issuer': await runsOf(world.client, subject.id) }
    },
  },
  {
    name: 'fail-and-back-off',
    async run(world) {
      let broken = true
      await using subject = await startCertificate(
        world,
        (defaults) => ({
          async answerChallenge(input) {
            if (broken) throw failure('AuthorizationInvalid', 'the TXT record is wrong')
            return defaults.answerChallenge(input)
          },
        }),
        order(['example.com']),
      )
      await subject.phase('BackingOff', { failures: 1 })
      broken = false
      await world.skip(HOUR + 5_000)
      await subject.issued(1)
      return { 'fail-and-back-off': await runsOf(world.client, subject.id) }
    },
  },
  {
    name: 'edit-during-issuance',
    async run(world) {
      const gate = new Gate()
      let first = true
      await using subject = await startCertificate(
        world,
        (defaults) => ({
          async checkPropagation(input) {
            if (first) {
              first = false
              await gate.pass()
            }
            return defaults.checkPropagation(input)
          },
        }),
        order(['example.com']),
      )
      await gate.reached
      await subject.change({ digest: 'digest-2' })
      await subject.issued(1)
      return { 'edit-during-issuance': await runsOf(world.client, subject.id) }
    },
  },
  {
    name: 'delete',
    keeps: ['delete-during-issuance'],
    async run(world) {
      const gate = new Gate()
      await using subject = await startCertificate(
        world,
        (defaults) => ({
          async checkPropagation(input) {
            await gate.pass()
            return defaults.checkPropagation(input)
          },
        }),
        order(['example.com']),
      )
      await gate.reached
      subject.cluster.exists = false
      await subject.handle.signal('deleted', { v: 1 })
      await subject.ended()
      return { 'delete-during-issuance': await runsOf(world.client, subject.id) }
    },
  },
  {
    name: 'blocked-then-mended',
    async run(world) {
      let broken = true
      await using subject = await startCertificate(
        world,
        (defaults) => ({
          async presentChallenge(input) {
            if (broken) throw failure('PluginMissing', 'the plugin fixture-dns is not there')
            return defaults.presentChallenge(input)
          },
        }),
        order(['example.com']),
      )
      await subject.calls.nth('presentChallenge')
      await world.skip(20_000)
      broken = false
      await subject.handle.signal('changed', { v: 1, cause: 'Secret changed' })
      await subject.issued(1)
      return { 'blocked-then-mended': await runsOf(world.client, subject.id) }
    },
  },
  {
    name: 'cancel',
    server: 'development',
    async run(world) {
      const gate = new Gate()
      await using subject = await startCertificate(
        world,
        (defaults) => ({
          async checkPropagation(input) {
            await gate.pass()
            return defaults.checkPropagation(input)
          },
        }),
        order(['example.com']),
      )
      await gate.reached
      await subject.handle.cancel()
      await subject.phase('BackingOff')
      return { cancel: await runsOf(world.client, subject.id) }
    },
  },
  {
    name: 'terminated-then-restarted',
    async run(world) {
      const gate = new Gate()
      let first = true
      await using subject = await startCertificate(
        world,
        (defaults) => ({
          async checkPropagation(input) {
            if (first) await gate.pass()
            return defaults.checkPropagation(input)
          },
        }),
        order(['example.com']),
      )
      await gate.reached
      const before = await runsOf(world.client, subject.id)
      await subject.handle.terminate('by an operator')
      first = false
      gate.open()
      const forgotten = subject.cluster.groups[0]?.[0]?.record
      subject.cluster.leftovers = forgotten === undefined ? [] : [forgotten]
      await subject.start()
      await subject.calls.nth('cleanUpChallenge')
      subject.cluster.leftovers = []
      await subject.issued(1)
      const restarted = await runsOf(world.client, subject.id)
      return { 'terminated-then-restarted': [...before, ...restarted] }
    },
  },
  {
    name: 'acme-apex-and-wildcard',
    keeps: ['acme-exclusive', 'acme-side-by-side'],
    async run(world) {
      await using exclusive = await startCertificate(
        world,
        undefined,
        order(['example.com', '*.example.com'], true),
      )
      await exclusive.issued(1)
      await using parallel = await startCertificate(world, undefined, order(['example.com', '*.example.com']))
      await parallel.issued(1)
      return {
        'acme-exclusive': await runsOf(world.client, exclusive.id),
        'acme-side-by-side': await runsOf(world.client, parallel.id),
      }
    },
  },
  {
    name: 'pause-and-refresh',
    async run(world) {
      await using subject = await startCertificate(world)
      await subject.issued(1)
      const first = await subject.run()
      await subject.handle.signal('pause')
      await subject.phase('Paused')
      await subject.handle.signal('refresh')
      await subject.newRun(first)
      await subject.handle.signal('pause', { on: false })
      await subject.phase('Waiting', { revision: 1 })
      return { 'pause-and-refresh': await runsOf(world.client, subject.id) }
    },
  },
  {
    name: 'lock-queue',
    keeps: ['lock-waiter', 'lock'],
    async run(world) {
      let queued = true
      await using subject = await startCertificate(
        world,
        (defaults) => ({
          async presentChallenge(input) {
            if (queued) return { queued: { position: 1, holder: 'certificate/shop/other' } }
            return defaults.presentChallenge(input)
          },
        }),
        order(['example.com'], true),
      )
      await subject.calls.nth('presentChallenge')
      const lock = await openLock(world, subject.id)
      queued = false
      await lock.serve()
      await subject.issued(1)
      await lock.end()
      return {
        'lock-waiter': await runsOf(world.client, subject.id),
        lock: await runsOf(world.client, lock.id),
      }
    },
  },
  {
    name: 'issuer',
    async run(world) {
      let look = {
        ...readyIssuer,
        ready: false,
        failure: { code: 'SecretNotFound' as const, message: 'no key' },
      }
      const { activities, calls } = fakeActivities(world.now, () => ({ verifyIssuer: async () => look }))
      world.use(activities)
      const input: IssuerInput = {
        v: 1,
        cluster: CLUSTER,
        kind: 'ClusterIssuer',
        namespace: '',
        name: 'acme',
      }
      const workflowId = 'cluster-issuer/acme'
      const handle = await world.client.workflow.start('issuer', {
        workflowId,
        taskQueue: QUEUE,
        args: [input],
      })
      await calls.nth('verifyIssuer')
      await world.skip(6_000)
      await until('the issuer waits again', async () => timersOf(await eventsOf(handle)).length === 2)
      look = readyIssuer as typeof look
      await handle.signal('changed', { v: 1 })
      await calls.nth('verifyIssuer', 3)
      await handle.signal('refresh')
      await calls.nth('verifyIssuer', 4)
      look = { ...look, exists: false }
      await handle.signal('deleted', { v: 1 })
      await until('the issuer ended', async () => (await newest(world, workflowId)) === 'COMPLETED')
      return { issuer: await runsOf(world.client, workflowId) }
    },
  },
  {
    name: 'clean-up-given-up',
    async run(world) {
      const { activities, calls } = fakeActivities(world.now, () => ({
        async cleanUpChallenge() {
          throw failure('PluginFailed', 'the zone is locked')
        },
      }))
      world.use(activities)
      const { record } = challenge('example.com', { namespace: 'shop', uid: 'uid-example.com' })
      const workflowId = cleanUpWorkflowId(record)
      const until = new Date((await world.now()) + 120_000).toISOString()
      const handle = await world.client.workflow.start('cleanUp', {
        workflowId,
        taskQueue: QUEUE,
        args: [{ v: 1, cluster: CLUSTER, challenge: record, certificate: 'web', until }],
      })
      await calls.nth('cleanUpChallenge')
      await world.skip(300_000)
      await handle.result().catch(() => undefined)
      return { 'clean-up-given-up': await runsOf(world.client, workflowId) }
    },
  },
  {
    name: 'clean-up-handed-over',
    keeps: ['clean-up-handed-over', 'clean-up'],
    async run(world) {
      let broken = true
      await using subject = await startCertificate(
        world,
        () => ({
          async cleanUpChallenge() {
            if (broken) throw failure('PluginFailed', 'the zone is locked')
          },
        }),
        order(['example.com']),
      )
      await subject.issued(1)
      await world.skip(20_000)
      broken = false
      const record = subject.cluster.groups[0]?.[0]?.record
      if (record === undefined) throw new Error('the scenario has no record')
      const child = cleanUpWorkflowId(record)
      await world.client.workflow.getHandle(child).signal('renew')
      await until('the clean-up is done', async () => (await newest(world, child)) === 'COMPLETED')
      return {
        'clean-up-handed-over': await runsOf(world.client, subject.id),
        'clean-up': await runsOf(world.client, child),
      }
    },
  },
]

/** What a scenario must answer with. */
export function historiesOf({ name, keeps = [name] }: Scenario): readonly string[] {
  return keeps
}

async function newest(world: World, workflowId: string): Promise<string> {
  return (await world.client.workflow.getHandle(workflowId).describe()).status.name
}

/** A lock that somebody holds while the given certificate waits. */
async function openLock(world: World, waiter: string) {
  const fqdn = '_acme-challenge.example.com.'
  const id = 'dns-name/_acme-challenge.example.com'
  const ask = (requestId: string, workflowId: string) => {
    const challenge = { namespace: 'shop', name: requestId, uid: requestId }
    const who = { requestId, workflowId, challenge, taskQueue: QUEUE }
    const message: AcquireMessage = { v: 1, ...who, holding: false }
    return world.client.workflow.executeUpdateWithStart(acquireUpdate, {
      args: [message],
      startWorkflowOperation: new WithStartWorkflowOperation('dnsName', {
        workflowId: id,
        taskQueue: QUEUE,
        workflowIdConflictPolicy: 'USE_EXISTING',
        args: [{ v: 1, fqdn }],
      }),
    })
  }
  const release = (requestId: string) =>
    world.client.workflow.getHandle(id).signal(releaseSignal, { v: 1, requestId })
  await ask('uid-other', 'certificate/shop/other')
  await ask('uid-example.com', waiter)
  return {
    id,
    serve: () => release('uid-other'),
    async end() {
      await release('uid-example.com')
      await until('the lock ended', async () => (await newest(world, id)) === 'COMPLETED')
    },
  }
}
