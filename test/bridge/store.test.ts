import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { IndexedStore, objectKey, type StoredObject } from '../../k8s-bridge/informers/store.ts'
import { recordingLogger } from './support/harness.ts'

interface Thing extends StoredObject {
  colours: string[]
}

const names = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const colours = fc.array(fc.constantFrom('red', 'green', 'blue'), { maxLength: 4 })
const steps = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant('set' as const),
      name: names,
      namespace: fc.constantFrom('x', 'y'),
      colours,
    }),
    fc.record({ do: fc.constant('remove' as const), name: names, namespace: fc.constantFrom('x', 'y') }),
  ),
  { maxLength: 60 },
)

function thing(name: string, namespace: string, of: string[] = []): Thing {
  return { metadata: { name, namespace, uid: name, resourceVersion: '1' }, colours: of }
}

const sorted = (things: Thing[]) => things.map(objectKey).sort()

test('a lookup by index equals a scan of all objects after any sequence of changes', () => {
  fc.assert(
    fc.property(steps, fc.nat({ max: 60 }), (sequence, lateAt) => {
      const store = new IndexedStore<Thing>(recordingLogger())
      store.addIndex('colour', (object) => object.colours)
      const model = new Map<string, Thing>()
      sequence.forEach((step, at) => {
        // An index that is added to a filled store knows what is in it.
        if (at === lateAt)
          store.addIndex('late', (object) => object.colours.map((colour) => colour.slice(0, 1)))
        const object = thing(step.name, step.namespace, 'colours' in step ? step.colours : [])
        if (step.do === 'set') store.set(objectKey(object), object)
        else store.remove(objectKey(object))
        if (step.do === 'set') model.set(objectKey(object), object)
        else model.delete(objectKey(object))
      })
      const all = [...model.values()]
      for (const colour of ['red', 'green', 'blue', 'black']) {
        const scan = all.filter((object) => object.colours.includes(colour))
        assert.deepEqual(sorted(store.byIndex('colour', colour)), sorted(scan))
        if (lateAt < sequence.length)
          assert.deepEqual(
            sorted(store.byIndex('late', colour.slice(0, 1))),
            sorted(all.filter((object) => object.colours.some((one) => one[0] === colour[0]))),
          )
      }
      assert.deepEqual(sorted(store.list()), sorted(all))
      assert.deepEqual(
        sorted(store.list('x')),
        sorted(all.filter((object) => object.metadata.namespace === 'x')),
      )
      assert.equal(store.size, model.size)
    }),
    { numRuns: 300 },
  )
})

test('an index function that fails leaves the object unindexed and says so', () => {
  const logger = recordingLogger()
  const store = new IndexedStore<Thing>(logger)
  store.addIndex('broken', (object) => {
    if (object.metadata.name === 'bad') throw new Error('no such field')
    return ['all']
  })
  for (const name of ['good', 'bad']) store.set(name, thing(name, 'x'))
  assert.deepEqual(sorted(store.byIndex('broken', 'all')), ['x/good'])
  assert.equal(store.size, 2)
  assert.match(logger.text(), /index function failed.*no such field/)
})

test('asking for an unknown index names those that exist', () => {
  const store = new IndexedStore<Thing>(recordingLogger())
  store.addIndex('colour', (object) => object.colours)
  assert.throws(() => store.byIndex('color', 'red'), /no index "color".*indexes: colour/)
})
