import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { informer } from '../../k8s-bridge/informers/definition.ts'
import type { StoredObject } from '../../k8s-bridge/informers/store.ts'
import {
  expired,
  line,
  openSilence,
  reset,
  RESOURCE,
  silence,
  status,
  stream,
  type ApiStub,
  type Fault,
} from './support/api-stub.ts'
import { until } from './support/harness.ts'
import { startInformer } from './support/informer-harness.ts'

/** Requests within `milliseconds` from now on. */
async function rate(stub: ApiStub, milliseconds: number): Promise<number> {
  const before = stub.requests.length
  await wait(milliseconds)
  return stub.requests.length - before
}

test('the store follows the server: first list, then every change as it happens', async (t) => {
  const { stub, events, synced, watching, converges, equalsServer } = await startInformer(t, {
    prepare: (server) => void server.put('a', { spec: { deep: [1, { x: true }] } }),
  })
  await synced()
  await watching()
  stub.put('b')
  stub.put('a', { spec: 2 })
  stub.remove('b')
  stub.put('c')
  await converges()
  assert.deepEqual(events, ['add a', 'add b', 'update a', 'delete b uid-2', 'add c'])
  assert.ok(equalsServer())
  assert.deepEqual([stub.count('list'), stub.count('watch')], [1, 1])
})

test('lists are paged and watches ask for bookmarks and a bounded, random duration from the version of the list', async (t) => {
  const { stub, watching } = await startInformer(t, {
    prepare: (server) => {
      server.pageSize = 2
      for (const name of 'abcde') server.put(name)
    },
  })
  await watching()
  assert.equal(stub.count('list'), 3)
  assert.equal(stub.requests[0]?.query.get('limit'), '500')
  const { query } = stub.requests.at(-1) ?? assert.fail()
  assert.equal(query.get('resourceVersion'), '105')
  assert.equal(query.get('allowWatchBookmarks'), 'true')
  const seconds = Number(query.get('timeoutSeconds'))
  assert.ok(seconds >= 300 && seconds <= 600, String(seconds))
})

test('metadata only is asked for by the media type, of the list and of the watch', async (t) => {
  const { stub, watching } = await startInformer(t, {
    definition: informer({
      name: 'secrets',
      path: RESOURCE,
      query: { fieldSelector: 'type!=x' },
      metadataOnly: true,
    }),
  })
  await watching()
  assert.deepEqual(
    stub.requests.map((request) => [request.headers.accept, request.query.get('fieldSelector')]),
    [
      ['application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1', 'type!=x'],
      ['application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1', 'type!=x'],
    ],
  )
})

test('what is stored is shrunk and cannot be changed', async (t) => {
  interface Kept extends StoredObject {
    colour: string
  }
  const { informer: subject, synced } = await startInformer(t, {
    definition: informer<Kept, Kept & { ballast: string }>({
      name: 'things',
      path: RESOURCE,
      shrink: ({ metadata, colour }) => ({ metadata, colour }),
    }),
    prepare: (server) => void server.put('a', { colour: 'red', ballast: 'x'.repeat(1000) }),
  })
  await synced()
  const kept = subject.store.get('team/a') as Kept
  assert.deepEqual(Object.keys(kept), ['metadata', 'colour'])
  assert.throws(() => {
    kept.metadata.name = 'b'
  }, TypeError)
})

test('an object that cannot be shrunk keeps its last state and stops nothing', async (t) => {
  const {
    stub,
    informer: subject,
    logger,
    converges,
    watching,
  } = await startInformer(t, {
    definition: informer<StoredObject & { bad?: boolean }>({
      name: 'things',
      path: RESOURCE,
      shrink: (object) => {
        if (object.bad) throw new Error('unreadable')
        return object
      },
    }),
    prepare: (server) => void server.put('a'),
  })
  await watching()
  const before = subject.store.get('team/a')?.metadata.resourceVersion
  stub.put('a', { bad: true })
  stub.put('b')
  await until('b is seen', () => subject.store.get('team/b') !== undefined)
  assert.equal(subject.store.get('team/a')?.metadata.resourceVersion, before)
  assert.match(logger.text(), /cannot be shrunk.*unreadable/)
  stub.version++
  stub.compact()
  stub.resetWatches()
  await until('it lists again', () => stub.count('list') === 2)
  await watching()
  assert.ok(subject.store.get('team/a'), 'a relist does not prune it')
  stub.put('a')
  await converges()
})

test('after a reset connection it goes on from the last version without a list', async (t) => {
  const { stub, events, watching, converges } = await startInformer(t)
  await watching()
  stub.put('a')
  await converges()
  stub.resetWatches()
  await until('the watch is gone', () => stub.openWatches === 0)
  stub.put('b')
  await converges()
  assert.equal(stub.count('list'), 1)
  assert.equal(stub.requests.at(-1)?.query.get('resourceVersion'), '101')
  assert.deepEqual(events, ['add a', 'add b'])
})

test('a bookmark moves the version from which it goes on', async (t) => {
  const { stub, informer: subject, watching } = await startInformer(t)
  await watching()
  stub.version = 900
  stub.bookmark()
  await until('the bookmark is seen', () => subject.health.lastEventAt !== undefined)
  stub.endWatches()
  await until('it watches again', () => stub.count('watch') === 2)
  assert.equal(stub.requests.at(-1)?.query.get('resourceVersion'), '900')
})

test('a server that closes every watch at once is asked with growing pauses', async (t) => {
  const { stub, synced, converges } = await startInformer(t, { prepare: (s) => (s.always.watch = stream()) })
  await synced()
  await rate(stub, 150)
  const requests = await rate(stub, 400)
  assert.ok(requests >= 1 && requests <= 25, `${requests} requests in 400 ms at pauses of 20 to 40 ms`)
  stub.put('a')
  stub.always.watch = undefined
  await converges()
})

test('a server that sends one event and closes, for ever, is bounded too', async (t) => {
  const bookmark = line({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '100' } } })
  const { stub, synced } = await startInformer(t, {
    times: { backoffBase: 40 },
    prepare: (s) => (s.always.watch = stream(bookmark)),
  })
  await synced()
  const requests = await rate(stub, 400)
  assert.ok(requests >= 1 && requests <= 25, `${requests} requests in 400 ms at pauses of 20 to 40 ms`)
})

for (const [name, fault] of [
  ['in the stream', stream(line({ type: 'ERROR', object: expired() }))],
  ['as status', status(410, 'Expired', 'too old')],
] as const) {
  test(`410 ${name} makes it list at once, even after an outage, and finds what was deleted`, async (t) => {
    const {
      stub,
      events,
      informer: subject,
      watching,
      converges,
    } = await startInformer(t, {
      times: { backoffBase: 500, backoffMax: 3000 },
      prepare: (s) => {
        for (const key of 'abc') s.put(key)
      },
    })
    await watching()
    stub.faults.watch.push(status(503, 'ServiceUnavailable', 'starting'), fault)
    events.length = 0
    // What happens while nobody watches: seen by the list alone.
    stub.faults.list.push((_response) => {
      stub.objects.delete('team/b')
      stub.put('c', { changed: true })
      return false
    })
    stub.endWatches()
    await until('it lists again', () => stub.count('list') === 2)
    const at = stub.requests.findLastIndex((request) => request.kind === 'list')
    const pause = (stub.requests[at]?.at ?? NaN) - (stub.requests[at - 1]?.at ?? NaN)
    assert.ok(pause < 250, `listed ${pause} ms after the 410, as if it were another failure`)
    await converges()
    assert.deepEqual(events.sort(), ['delete b uid-2', 'update c'])
    assert.equal(subject.health.relists, 1)
  })
}

test('410 again and again does not become a storm of lists', async (t) => {
  const { stub, synced, converges } = await startInformer(t, {
    prepare: (s) => {
      s.put('a')
      s.always.watch = stream(line({ type: 'ERROR', object: expired() }))
    },
  })
  await synced()
  await rate(stub, 150)
  const requests = await rate(stub, 400)
  assert.ok(
    requests >= 2 && requests <= 50,
    `${requests} requests in 400 ms: a list and a watch per 20 to 40 ms`,
  )
  stub.always.watch = undefined
  stub.put('b')
  await converges()
})

test('a relist that shows what is known calls nobody', async (t) => {
  const { stub, events, watching } = await startInformer(t, {
    prepare: (s) => {
      for (const key of 'abc') s.put(key)
    },
  })
  await watching()
  stub.version++
  stub.compact()
  stub.resetWatches()
  await until('it lists again', () => stub.count('list') === 2)
  await watching()
  assert.deepEqual(events, ['add a', 'add b', 'add c'])
})

test('an object deleted and made anew between two lists is reported as deleted, then added', async (t) => {
  const { stub, events, watching, converges } = await startInformer(t, { prepare: (s) => void s.put('a') })
  await watching()
  events.length = 0
  stub.faults.list.push(() => {
    stub.objects.delete('team/a')
    stub.put('a')
    return false
  })
  stub.faults.watch.push(status(410, 'Expired', 'too old'))
  stub.resetWatches()
  await until('it lists again', () => stub.count('list') === 2)
  await converges()
  assert.deepEqual(events, ['delete a uid-1', 'add a'])
})

test('an error in the stream other than 410 keeps the version, and lists again when it stays', async (t) => {
  const error = { kind: 'Status', code: 500, reason: 'InternalError', message: 'etcd' }
  const fault = stream(line({ type: 'ERROR', object: error }))
  const { stub, watching, converges } = await startInformer(t, {
    prepare: (s) => s.faults.watch.push(fault, fault),
  })
  await watching()
  assert.equal(stub.count('list'), 1)
  stub.faults.watch.push(fault, fault, fault)
  stub.resetWatches()
  await until('it lists again', () => stub.count('list') === 2)
  stub.put('a')
  await converges()
})

test('a garbage line loses no event: the watch is opened anew from the last version', async (t) => {
  const { stub, events, watching, converges } = await startInformer(t)
  await watching()
  stub.put('a')
  await converges()
  stub.send('\u0000<html>garbage\n')
  stub.put('b')
  await converges()
  assert.deepEqual(events, ['add a', 'add b'])
  assert.equal(stub.count('list'), 1)
})

test('half a line at the end of a chunk is completed by the next, and dropped when the connection ends', async (t) => {
  const { stub, events, watching, converges } = await startInformer(t)
  await watching()
  const metadata = { name: 'ä', namespace: 'team', uid: 'u', resourceVersion: '101' }
  const bytes = Buffer.from(line({ type: 'ADDED', object: { metadata } }))
  const cut = bytes.indexOf(0xc3) + 1
  stub.send(bytes.subarray(0, cut))
  stub.send(bytes.subarray(cut))
  await until('the event is seen', () => events.length === 1)
  stub.objects.set('team/ä', { metadata })
  stub.version = 101
  stub.send('{"type":"DELETED","object":{"meta')
  stub.endWatches()
  stub.put('b')
  await converges()
  assert.deepEqual(events, ['add ä', 'add b'])
})

test('silence is ended by the idle limit, and bookmarks keep a watch open', async (t) => {
  const { stub, watching } = await startInformer(t, { times: { idleLimit: 150 } })
  await watching()
  const end = performance.now() + 500
  while (performance.now() < end) {
    stub.bookmark()
    await wait(20)
  }
  assert.equal(stub.count('watch'), 1)
  await until('the silent watch is opened anew', () => stub.count('watch') === 2)
  assert.equal(stub.count('list'), 1)
})

test('a watch whose headers never come is ended by the idle limit', async (t) => {
  const { converges, stub } = await startInformer(t, {
    times: { idleLimit: 50 },
    prepare: (s) => s.faults.watch.push(silence),
  })
  await until('a second watch is open', () => stub.openWatches === 1)
  stub.put('a')
  await converges()
})

test('after a restore of etcd, with a version in the future and silence, it converges by the second idle limit', async (t) => {
  const { stub, watching, converges, events } = await startInformer(t, { times: { idleLimit: 60 } })
  await watching()
  const old = stub.put('a', { spec: 'old' })
  stub.put('a', { spec: 'new' })
  stub.put('b')
  await converges()
  const future: Fault = (response, request) => {
    if (Number(request.query.get('resourceVersion')) <= stub.version) return false
    return openSilence(response, request)
  }
  stub.always.watch = future
  stub.restore([old], 101)
  await converges()
  assert.deepEqual(events.slice(-2).sort(), ['delete b uid-2', 'update a'])
  assert.equal(stub.count('list'), 2)
})

for (const [name, fault] of [
  ['503 while the server starts', status(503, 'ServiceUnavailable', 'before all known HTTP paths')],
  [
    '404 of a CRD that is not served yet',
    (response) => void response.writeHead(404).end('404 page not found'),
  ],
  ['429', status(429, 'TooManyRequests', 'slow down', { 'retry-after': '0' })],
  ['403', status(403, 'Forbidden', 'no right')],
] as [string, Fault][]) {
  test(`${name} on a watch is waited out with the version kept`, async (t) => {
    const { stub, watching, converges } = await startInformer(t)
    await watching()
    stub.put('a')
    await converges()
    stub.faults.watch.push(fault, fault, fault, fault, fault)
    stub.resetWatches()
    await until('five watches failed', () => stub.count('watch') >= 7)
    stub.put('b')
    await converges()
    assert.equal(stub.count('list'), 1)
  })
}

test('Retry-After of a refused list is obeyed', async (t) => {
  const { stub, synced } = await startInformer(t, {
    prepare: (s) => s.faults.list.push(status(429, 'TooManyRequests', 'slow', { 'retry-after': '1' })),
  })
  await synced()
  const [first, second] = stub.requests
  assert.ok((second?.at ?? 0) - (first?.at ?? 0) >= 950)
})

test('a list that fails on its second page is not half taken over', async (t) => {
  const pass: Fault = () => false
  const {
    stub,
    events,
    informer: subject,
    converges,
  } = await startInformer(t, {
    prepare: (s) => {
      s.pageSize = 2
      for (const key of 'abcd') s.put(key)
      s.faults.list.push(pass, (response, request) => {
        assert.equal(subject.hasSynced, false)
        assert.equal(subject.store.size, 0)
        return reset(response, request)
      })
      s.faults.list.push(status(500, 'InternalError', 'etcd'))
    },
  })
  await converges()
  assert.equal(events.length, 4)
  assert.equal(subject.health.lists, 1)
  assert.ok(stub.count('list') >= 4)
})

test('a continue token that has expired is followed by a list in one piece', async (t) => {
  const pass: Fault = () => false
  const { stub, converges } = await startInformer(t, {
    prepare: (s) => {
      s.pageSize = 2
      for (const key of 'abcd') s.put(key)
      s.faults.list.push(pass, status(410, 'Expired', 'continue'))
    },
  })
  await converges()
  assert.equal(stub.requests[2]?.query.get('limit'), '0')
})

test('a handler that throws or rejects is logged with its registrant and disturbs nobody', async (t) => {
  const {
    stub,
    informer: subject,
    logger,
    events,
    watching,
    converges,
  } = await startInformer(t, {
    prepare: (s) => void s.put('a'),
  })
  subject.addHandler('faulty', {
    onAdd: () => {
      throw new Error('thrown')
    },
    onDelete: () => Promise.reject(new Error('rejected')),
  })
  subject.addHandler('last', { onAdd: ({ metadata }) => void events.push(`last ${metadata.name}`) })
  await watching()
  stub.put('b')
  stub.remove('a')
  await converges()
  await until('both failures are counted', () => subject.health.handlerFailures >= 2)
  assert.ok(events.includes('last b'))
  assert.match(logger.text(), /handler failed .*faulty.*team\/b.*thrown/)
  assert.match(logger.text(), /handler failed .*faulty.*team\/a.*rejected/)
})

test('a server that is killed and comes back with another state is followed', async (t) => {
  const { stub, events, watching, converges } = await startInformer(t, {
    prepare: (s) => {
      for (const key of 'abc') s.put(key)
    },
  })
  await watching()
  events.length = 0
  await stub.kill()
  stub.objects.delete('team/a')
  stub.put('d')
  stub.compact()
  await stub.start()
  await converges()
  assert.deepEqual(events.sort(), ['add d', 'delete a uid-1'])
})

test('an old list is repeated when the watch ends, which repairs a delete that was never sent', async (t) => {
  const { stub, watching, converges } = await startInformer(t, {
    times: { relistEvery: 0 },
    prepare: (s) => void s.put('a'),
  })
  await watching()
  stub.objects.delete('team/a')
  stub.endWatches()
  await converges()
})

async function stopsCleanly(
  t: TestContext,
  prepare: (stub: ApiStub) => void,
  when: (stub: ApiStub) => boolean,
) {
  const { stub, kubernetes, stop, informer: subject } = await startInformer(t, { prepare })
  await until('the moment to stop', () => when(stub))
  await stop()
  const requests = stub.requests.length
  await kubernetes.close()
  await until('no socket is open', () => stub.sockets.size === 0)
  await rate(stub, 60)
  assert.equal(stub.requests.length, requests)
  return subject
}

test('stop during a list ends it and delivers nothing', async (t) => {
  const subject = await stopsCleanly(
    t,
    (stub) => {
      stub.put('a')
      stub.always.list = silence
    },
    (stub) => stub.count('list') === 1,
  )
  assert.equal(subject.hasSynced, false)
})

test('stop during a watch and stop during a pause are final', async (t) => {
  await stopsCleanly(
    t,
    () => undefined,
    (stub) => stub.openWatches === 1,
  )
  await stopsCleanly(
    t,
    (stub) => (stub.always.list = status(500, 'InternalError', 'etcd')),
    (stub) => stub.count('list') >= 4,
  )
})
