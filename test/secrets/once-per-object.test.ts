import assert from 'node:assert/strict'
import { test } from 'node:test'
import { oncePerObject } from '../../activities/once-per-object.ts'

test('an object is read once, another one with the same content anew', () => {
  let reads = 0
  const read = oncePerObject(({ name }: { name: string }) => ({ name, reads: ++reads }))
  const one = { name: 'web' }
  assert.deepEqual(
    [read(one), read(one)],
    [
      { name: 'web', reads: 1 },
      { name: 'web', reads: 1 },
    ],
  )
  assert.deepEqual(read({ name: 'web' }), { name: 'web', reads: 2 })
})

test('an error is not remembered', () => {
  let reads = 0
  const read = oncePerObject((_object: object): string => {
    if (++reads === 1) throw new Error('not yet')
    return 'read'
  })
  const one = {}
  assert.throws(() => read(one), /not yet/)
  assert.equal(read(one), 'read')
})
