import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { connectKubernetes, isStatus, KubernetesError } from '../../../activities/clients/kubernetes.ts'
import { apiPath } from '../../../k8s-bridge/api/kinds.ts'
import { informer } from '../../../k8s-bridge/informers/definition.ts'
import { InformerRegistry } from '../../../k8s-bridge/informers/registry.ts'
import type { StoredObject } from '../../../k8s-bridge/informers/store.ts'
import { LeaseHolder, LeaseWatcher } from '../../../k8s-bridge/lease.ts'
import { recordingLogger, until } from '../../bridge/support/harness.ts'
import { testServers } from '../support/servers.ts'

interface ConfigMap extends StoredObject {
  data?: Record<string, string>
}

const servers = await testServers()
const kubernetes = await connectKubernetes({ kubeconfig: servers.kubernetes.adminKubeconfigPath })
const namespace = `informers-${randomUUID().slice(0, 8)}`
const configMaps = `/api/v1/namespaces/${namespace}/configmaps`
const secrets = apiPath('Secret', namespace)

before(async () => {
  await kubernetes.create(apiPath('Namespace'), { metadata: { name: namespace } })
})

after(async () => {
  await kubernetes.delete(apiPath('Namespace', undefined, namespace))
  await kubernetes.close()
})

async function configMap(name: string, data: Record<string, string> = {}): Promise<ConfigMap> {
  return await kubernetes.create<ConfigMap>(configMaps, { metadata: { name }, data })
}

test('server-side apply takes away what its manager owned and leaves out, and keeps what others own', async () => {
  const path = `${configMaps}/applied`
  const body = (data: Record<string, string>) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'applied' },
    data,
  })
  await kubernetes.apply(path, body({ ours: '1', shared: '1' }), { fieldManager: 'us' })
  await kubernetes.merge(path, { data: { theirs: '1' } })
  await assert.rejects(kubernetes.apply(path, body({ shared: '2' }), { fieldManager: 'another' }), (error) =>
    isStatus(error, 409, 'Conflict'),
  )
  const applied = await kubernetes.apply<ConfigMap>(path, body({ shared: '2' }), {
    fieldManager: 'us',
    force: true,
  })
  assert.deepEqual(applied.data, { shared: '2', theirs: '1' })
})

test('a JSON patch with the uid of another object changes nothing and says which failure it was', async () => {
  const { metadata } = await configMap('patched', { a: '1' })
  const path = `${configMaps}/patched`
  const patch = (uid: string, value: string) =>
    kubernetes.patch<ConfigMap>(path, [
      { op: 'test', path: '/metadata/uid', value: uid },
      { op: 'add', path: '/data/a', value },
    ])
  await assert.rejects(
    patch(randomUUID(), '2'),
    (error) => error instanceof KubernetesError && error.isPreconditionFailed,
  )
  assert.deepEqual((await patch(metadata.uid, '3')).data, { a: '3' })
})

test('a delete with the uid of an object made anew leaves the new one alone', async () => {
  const path = `${configMaps}/anew`
  const first = await configMap('anew')
  assert.equal(await kubernetes.delete(path, { uid: first.metadata.uid }), true)
  await configMap('anew')
  assert.equal(await kubernetes.delete(path, { uid: first.metadata.uid }), false)
  assert.ok(await kubernetes.get(path))
  assert.equal(await kubernetes.delete(path), true)
  assert.equal(await kubernetes.delete(path), false)
})

test('informers follow the API server across kill -9 and restart, Secrets as metadata only, without notifying what is known', async () => {
  const logger = recordingLogger()
  const heard: string[] = []
  const handler = (kind: string) => ({
    onAdd: ({ metadata }: StoredObject) => void heard.push(`add ${kind} ${metadata.name}`),
    onUpdate: ({ metadata }: StoredObject) => void heard.push(`update ${kind} ${metadata.name}`),
    onDelete: ({ metadata }: StoredObject) => void heard.push(`delete ${kind} ${metadata.name}`),
  })
  const registry = new InformerRegistry({ kubernetes, logger, startTimeout: 20_000 })
  registry.register({
    name: 'test',
    informers: [
      informer<ConfigMap>({
        name: 'configmaps',
        path: configMaps,
        query: { labelSelector: 'watched=yes' },
        indexes: { colour: ({ data }) => (data?.['colour'] ? [data['colour']] : []) },
        handler: handler('configmap'),
      }),
      informer({ name: 'secrets', path: secrets, metadataOnly: true, handler: handler('secret') }),
    ],
  })
  const labelled = (name: string, colour: string) => ({
    metadata: { name, labels: { watched: 'yes' } },
    data: { colour },
  })
  for (const name of ['kept', 'changed', 'removed'])
    await kubernetes.create(configMaps, labelled(name, 'red'))
  await kubernetes.create(secrets, { metadata: { name: 'hidden' }, data: { password: 'c2VjcmV0' } })
  try {
    assert.deepEqual(await registry.start(), { synced: true })
    const store = registry.store<ConfigMap>('configmaps')
    const hidden = registry.store('secrets').get(`${namespace}/hidden`)
    assert.equal(hidden?.metadata.name, 'hidden')
    assert.doesNotMatch(JSON.stringify(registry.store('secrets').list()), /c2VjcmV0|password"/)
    assert.equal(store.byIndex('colour', 'red').length, 3)

    await kubernetes.merge(`${configMaps}/changed`, { data: { colour: 'green' } })
    await until('the change is seen', () => store.byIndex('colour', 'green').length === 1)
    heard.length = 0

    const server = servers.process('kube-apiserver')
    await server.kill('SIGKILL')
    await server.start()
    await kubernetes.merge(`${configMaps}/changed`, { data: { colour: 'blue' } })
    await kubernetes.delete(`${configMaps}/removed`)
    await kubernetes.create(configMaps, labelled('new', 'blue'))
    await kubernetes.merge(`${secrets}/hidden`, { metadata: { labels: { a: 'b' } } })
    await until('all changes are heard', () => heard.length >= 4, 30_000)
    await until('both have reconnected', () => registry.health().every(({ watches }) => watches > 1), 30_000)
    assert.deepEqual(heard.sort(), [
      'add configmap new',
      'delete configmap removed',
      'update configmap changed',
      'update secret hidden',
    ])
    assert.deepEqual(
      store
        .byIndex('colour', 'blue')
        .map(({ metadata }) => metadata.name)
        .sort(),
      ['changed', 'new'],
    )
    assert.deepEqual(
      store.byIndex('colour', 'red').map(({ metadata }) => metadata.name),
      ['kept'],
    )
  } finally {
    await registry.stop()
  }
})

test('two bridges share one Lease: the second takes it when the first releases it', async () => {
  const options = { kubernetes, namespace, logger: recordingLogger(), retryPeriod: 100 }
  const one = new LeaseHolder({ ...options, identity: 'certloom/one' })
  const two = new LeaseHolder({ ...options, identity: 'certloom/two' })
  const watcher = new LeaseWatcher({ ...options, period: 50 })
  try {
    one.start()
    await until('one holds it', () => one.isHolder())
    two.start()
    await watcher.start()
    assert.deepEqual(watcher.currentHolder(), { identity: 'certloom/one', fresh: true })
    await one.stop({ release: true })
    await until('two holds it', () => two.isHolder())
    await until('the watcher sees it', () => watcher.currentHolder().identity === 'certloom/two')
    assert.equal(one.isHolder(), false)
  } finally {
    await Promise.all([one.stop({ release: false }), two.stop({ release: true }), watcher.stop()])
  }
})
