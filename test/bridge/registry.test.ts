import assert from 'node:assert/strict'
import { test } from 'node:test'
import { informer } from '../../k8s-bridge/informers/definition.ts'
import { InformerRegistry, type RegistryOptions } from '../../k8s-bridge/informers/registry.ts'
import type { Store, StoredObject } from '../../k8s-bridge/informers/store.ts'
import { RESOURCE, silence, type ApiStub, type StubObject } from './support/api-stub.ts'
import { recordingLogger, stubAndClient, until } from './support/harness.ts'
import { fast, things } from './support/informer-harness.ts'
import type { TestContext } from 'node:test'

const other = informer<StubObject>({ name: 'others', path: '/apis/example.org/v1/others' })

async function setup(t: TestContext, options: Partial<RegistryOptions> = {}) {
  const { stub, kubernetes } = await stubAndClient(t)
  const logger = recordingLogger()
  const registry = new InformerRegistry({ kubernetes, logger, times: fast, ...options })
  t.after(() => registry.stop())
  return { stub, kubernetes, logger, registry }
}

/** Lists the second resource as empty. */
function serveOthers(stub: ApiStub): void {
  stub.always.other = (response, request) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    if (request.query.get('watch')) response.flushHeaders()
    else response.end('{"metadata":{"resourceVersion":"1"},"items":[]}')
  }
}

test('two registrants of one resource share one list, one watch and one store', async (t) => {
  const { stub, registry } = await setup(t)
  const heard: string[] = []
  const stores: unknown[] = []
  for (const name of ['first', 'second']) {
    registry.register({
      name,
      informers: [
        informer<StubObject>({
          name: 'things',
          path: RESOURCE,
          handler: { onAdd: ({ metadata }) => void heard.push(`${name} ${metadata.name}`) },
        }),
      ],
      setStore: (_name, store) => void stores.push(store),
    })
  }
  stub.put('a')
  assert.deepEqual(await registry.start(), { synced: true })
  await until('a watch is open', () => stub.openWatches === 1)
  assert.deepEqual([stub.count('list'), stub.count('watch')], [1, 1])
  assert.deepEqual(heard, ['first a', 'second a'])
  assert.equal(stores[0], stores[1])
  assert.equal(registry.store('things'), stores[0])
})

test('the first definition of a name counts, and what differs in others is warned about', async (t) => {
  const { stub, registry, logger } = await setup(t)
  const byName = (object: StubObject) => [object.metadata.name]
  registry.register({
    name: 'first',
    informers: [informer<StubObject>({ name: 'things', path: RESOURCE, indexes: { name: byName } })],
  })
  registry.register({
    name: 'same',
    informers: [
      informer<StubObject>({ name: 'things', path: RESOURCE, query: {}, indexes: { name: byName } }),
    ],
  })
  assert.deepEqual(logger.lines, [])
  registry.register({
    name: 'second',
    informers: [
      informer<StubObject>({
        name: 'things',
        path: '/elsewhere',
        query: { labelSelector: 'a' },
        metadataOnly: true,
        shrink: (object) => object,
        indexes: { name: () => ['other'], uid: (object) => [object.metadata.uid] },
      }),
    ],
  })
  stub.put('a')
  await registry.start()
  assert.match(logger.text(), /"registrant":"second","differs":\["path","query","metadataOnly","shrink"\]/)
  assert.match(logger.text(), /index is defined twice.*"index":"name"/)
  const store = registry.store('things')
  assert.equal(store.byIndex('name', 'a').length, 1)
  assert.equal(store.byIndex('uid', 'uid-1').length, 1)
})

test('every registrant is handed every store by name, and one that refuses aborts the start with its name', async (t) => {
  const { stub, registry } = await setup(t)
  serveOthers(stub)
  const handed: [string, string, Store<StoredObject>][] = []
  const setStore = (who: string) => (name: string, store: Store<StoredObject>) =>
    void handed.push([who, name, store])
  registry.register({ name: 'a', informers: [things], setStore: setStore('a') })
  registry.register({ name: 'b', informers: [other], setStore: setStore('b') })
  registry.register({ name: 'reader', setStore: setStore('reader') })
  await registry.start()
  assert.deepEqual(
    handed.map(([who, name]) => `${who} ${name}`),
    ['a things', 'a others', 'b things', 'b others', 'reader things', 'reader others'],
  )

  const refused = await setup(t)
  refused.registry.register({ name: 'a', informers: [things] })
  refused.registry.register({
    name: 'picky',
    setStore: () => {
      throw new Error('not this one')
    },
  })
  await assert.rejects(refused.registry.start(), /picky refuses the store things: not this one/)
  assert.equal(refused.stub.requests.length, 0)
})

for (const [syncScope, expected] of [
  ['needed', false],
  ['defined', true],
] as const) {
  test(`with scope ${syncScope}, a registrant that only reads is ${expected ? 'synced at once' : 'synced with what it reads'}`, async (t) => {
    const { stub, registry } = await setup(t, { syncScope, startTimeout: 20 })
    const asked: Record<string, () => boolean> = {}
    stub.always.list = silence
    registry.register({ name: 'owner', informers: [things], setHasSynced: (f) => void (asked['owner'] = f) })
    registry.register({ name: 'reader', uses: ['things'], setHasSynced: (f) => void (asked['reader'] = f) })
    assert.deepEqual(await registry.start(), { synced: false })
    assert.deepEqual([asked['owner']?.(), asked['reader']?.()], [false, expected])
  })
}

test('start goes on with a warning after its limit, and hasSynced turns true when the list comes', async (t) => {
  const { stub, registry, logger } = await setup(t, { startTimeout: 30 })
  stub.put('a')
  let answer = () => undefined as unknown
  stub.faults.list.push((response) => {
    answer = () =>
      response.end(
        JSON.stringify({ metadata: { resourceVersion: '101' }, items: [...stub.objects.values()] }),
      )
  })
  registry.register({ name: 'a', informers: [things] })
  assert.deepEqual(await registry.start(), { synced: false })
  assert.match(logger.text(), /not all resources are listed yet.*"missing":\["things"\]/)
  assert.equal(registry.hasSynced(), false)
  answer()
  await registry.whenSynced('a')
  assert.equal(registry.hasSynced('a'), true)
  assert.equal(registry.store('things').size, 1)
})

test('concurrent starts give one watch, and stop is final', async (t) => {
  const { stub, registry, kubernetes } = await setup(t)
  registry.register({ name: 'a', informers: [things] })
  await Promise.all([registry.start(), registry.start()])
  await until('a watch is open', () => stub.openWatches === 1)
  assert.equal(stub.count('watch'), 1)
  await Promise.all([registry.stop(), registry.stop()])
  await until('the watch is closed', () => stub.openWatches === 0)
  await assert.rejects(registry.start(), /were stopped/)
  await assert.rejects(registry.whenSynced(), /were stopped/)
  await kubernetes.close()
  await until('no socket is open', () => stub.sockets.size === 0)
  assert.deepEqual([stub.count('list'), stub.count('watch')], [1, 1])
})

test('stop during the start ends the start', async (t) => {
  const { stub, registry } = await setup(t, { startTimeout: 60_000 })
  stub.always.list = silence
  registry.register({ name: 'a', informers: [things] })
  const started = registry.start()
  await until('the list is asked for', () => stub.count('list') === 1)
  await registry.stop()
  assert.deepEqual(await started, { synced: false })
})

test('mistakes in the wiring are named', async (t) => {
  const { registry } = await setup(t)
  registry.register({ name: 'a', informers: [things], uses: ['nothing'] })
  assert.throws(() => registry.register({ name: 'a' }), /two registrants are called a/)
  assert.throws(() => registry.store('thing'), /"thing", which nobody defines \(defined: things\)/)
  await assert.rejects(registry.start(), /a asks for the resource "nothing"/)
  assert.throws(() => registry.register({ name: 'late' }), /late registers too late/)
})

test('health tells objects, events and what went wrong, per resource', async (t) => {
  const { stub, registry } = await setup(t)
  registry.register({ name: 'a', informers: [things] })
  stub.put('a')
  await registry.start()
  await until('a watch is open', () => stub.openWatches === 1)
  stub.put('b')
  stub.resetWatches()
  await until(
    'it watches again and has seen b',
    () => registry.health()[0]?.watches === 2 && registry.store('things').size === 2,
  )
  const [health] = registry.health()
  assert.ok(health)
  assert.ok(Math.abs(Date.now() - (health.lastEventAt ?? 0)) < 60_000)
  const { name, synced, objects, lists, relists, failures, handlerFailures } = health
  assert.deepEqual(
    { name, synced, objects, lists, relists, failures, handlerFailures },
    { name: 'things', synced: true, objects: 2, lists: 1, relists: 0, failures: 1, handlerFailures: 0 },
  )
  assert.match(health.lastError ?? '', /connection to the API server broke/)
})
