import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { MockActivityEnvironment } from '@temporalio/testing'
import type { ActivityDeps } from '../../../activities/deps.ts'
import { awaitReadyIssuer } from '../../../activities/issuers/await-issuer.ts'
import { issuerPath, type IssuerName, type LiveIssuer } from '../../../activities/issuers/issuer.ts'
import { World } from '../support/world.ts'

let world: World
/** No controller runs: nobody verifies it. */
let issuer: IssuerName

before(async () => {
  world = await World.open()
})

after(() => world.close())

beforeEach(async () => {
  const namespace = await world.namespace('await-issuer')
  await world.create('Issuer', { metadata: { namespace, name: 'self' }, spec: { selfSigned: {} } })
  issuer = { kind: 'Issuer', namespace, name: 'self' }
})

async function verify(status: 'True' | 'False', message: string): Promise<void> {
  const lastTransitionTime = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  const ready = { type: 'Ready', status, reason: 'Test', message, lastTransitionTime, observedGeneration: 1 }
  await world.kubernetes.merge(issuerPath(issuer, 'status'), { status: { conditions: [ready] } })
}

/** Waits for the issuer; `afterLook` runs before the answer of each look arrives. */
function wait(
  environment: MockActivityEnvironment,
  afterLook: (looks: number) => void | Promise<void>,
): Promise<LiveIssuer> {
  let looks = 0
  const get = async <T>(path: string): Promise<T | undefined> => {
    const found = await world.kubernetes.get<T>(path)
    looks += 1
    await afterLook(looks)
    return found
  }
  // All that waiting needs.
  const parts = {
    kubernetes: { get },
    settings: { clusterResourceNamespace: 'cert-manager' },
  } as ActivityDeps
  return environment.run<[], LiveIssuer, () => Promise<LiveIssuer>>(() => awaitReadyIssuer(parts, issuer))
}

test('an issuer that is verified while its certificate is prepared is waited for, and used as it is then', async () => {
  const live = await wait(new MockActivityEnvironment(), async (looks) => {
    if (looks === 2) await verify('True', 'ready')
  })
  assert.equal(live.object.status?.conditions?.[0]?.message, 'ready')
})

test('an issuer that cannot be used is told at once, with its own words', async () => {
  await verify('False', 'the CA is closed')
  let looked = 0
  const waiting = wait(new MockActivityEnvironment(), (looks) => {
    looked = looks
  })
  await assert.rejects(waiting, /is not ready: the CA is closed/)
  assert.equal(looked, 1)
})

test('an issuer that nobody verifies ends the wait with what is awaited', async () => {
  await assert.rejects(
    wait(new MockActivityEnvironment(), () => undefined),
    /has not been verified yet/,
  )
})

test('a step that is cancelled stops waiting for its issuer', async () => {
  const environment = new MockActivityEnvironment()
  let looked = 0
  const waiting = wait(environment, (looks) => {
    looked = looks
    environment.cancel('CANCELLED')
  })
  await assert.rejects(waiting, { name: 'AbortError' })
  assert.equal(looked, 1)
})
