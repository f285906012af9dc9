import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { MockActivityEnvironment } from '@temporalio/testing'
import type { ActivityDeps } from '../../../activities/deps.ts'
import { inspectHolder } from '../../../activities/locks.ts'
import type { Challenge } from '../../../k8s-bridge/api/challenge.ts'
import { World } from '../support/world.ts'

let world: World

before(async () => {
  world = await World.open()
})

after(() => world.close())

test('each look at a holder that has made no use of its grant makes the grant void, also one by a lock that looked before', async () => {
  const namespace = await world.namespace('revoke')
  const name = 'unused'
  await world.create('Challenge', {
    metadata: { namespace, name },
    spec: {
      url: 'https://ca.test/challenge/1',
      authorizationURL: 'https://ca.test/authorization/1',
      dnsName: 'unused.certloom.test',
      type: 'DNS-01',
      token: 'token',
      key: 'value',
      solver: { dns01: { webhook: { groupName: 'certloom.dev', solverName: 'exec' } } },
      issuerRef: { name: 'pebble', kind: 'ClusterIssuer' },
    },
  })
  const challenge = await world.get<Challenge>('Challenge', namespace, name)
  const holder = {
    requestId: challenge?.metadata.uid ?? '',
    workflowId: 'certificate/shop/web',
    challenge: { namespace, name, uid: challenge?.metadata.uid ?? '' },
    taskQueue: 'certloom-locks',
    fqdn: '_acme-challenge.unused.certloom.test.',
  }
  const key = randomBytes(32)
  // All that a look needs where there is no claim.
  const parts: Partial<ActivityDeps> = { kubernetes: world.kubernetes, recordKey: async () => key }
  const versions = [challenge?.metadata.resourceVersion]
  for (const activityId of ['1', '2']) {
    const environment = new MockActivityEnvironment({
      activityId,
      workflowExecution: { workflowId: 'dns-name/unused', runId: 'one-lock' },
    })
    const look = () => inspectHolder(parts as ActivityDeps, holder, new AbortController().signal)
    assert.equal(await environment.run(look), 'gone')
    versions.push((await world.get<Challenge>('Challenge', namespace, name))?.metadata.resourceVersion)
  }
  // Who read the Challenge before asked the lock by that reading: it must have changed since.
  assert.equal(new Set(versions).size, 3, versions.join())
})
