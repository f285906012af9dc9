import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as z from 'zod'
import { NotStructuralError, structuralSchema } from '../../k8s-bridge/api/crd/structural.ts'
import {
  atomicList,
  bytes,
  int32,
  int64,
  optionalInCrd,
  serverDefault,
  stringMap,
  time,
} from '../../k8s-bridge/api/fields.ts'

function refused(field: z.ZodType, problem: RegExp) {
  assert.throws(
    () => structuralSchema(z.object({ spec: z.object({ list: z.array(z.object({ field })) }) })),
    (error: unknown) => {
      assert.ok(error instanceof NotStructuralError)
      assert.match(error.message, /^\.spec\.list\[\]\.field(\[\])?: /)
      assert.match(error.message, problem)
      return true
    },
  )
}

test('shapes without a structural schema are refused by the path of the field', () => {
  refused(z.union([z.string(), z.boolean()]), /union/)
  refused(
    z.discriminatedUnion('a', [z.object({ a: z.literal('x') }), z.object({ a: z.literal('y') })]),
    /union/,
  )
  refused(z.intersection(z.string(), z.number()), /intersection|union/)
  refused(z.tuple([z.string(), z.number()]), /tuple|union/)
  refused(z.string().nullable(), /nullable/)
  refused(z.string().default('x'), /default/)
  refused(z.hostname(), /pattern/)
  refused(z.unknown(), /no type/)
  refused(z.array(z.unknown()), /items|no type/)
  refused(z.string().meta({ 'x-typo': true }), /x-typo/)
})

test('numbers keep the limits that were asked for and lose those of their type', () => {
  const schema = structuralSchema(
    z.object({ any: z.int(), long: int64(), short: int32(), port: int32().min(1).max(65535) }),
  )
  assert.deepEqual(schema.properties, {
    any: { type: 'integer' },
    long: { type: 'integer', format: 'int64' },
    short: { type: 'integer', format: 'int32' },
    port: { type: 'integer', format: 'int32', minimum: 1, maximum: 65535 },
  })
})

test('formats, lists, maps and marks come out as Kubernetes writes them', () => {
  const schema = structuralSchema(
    z.strictObject({
      bytes: bytes().describe('Bytes.'),
      time: time(),
      list: atomicList(z.enum(['A', 'B'])),
      map: stringMap().optional(),
      optional: optionalInCrd(z.string()),
      defaulted: serverDefault(z.string(), 'x'),
      free: z.unknown().meta({ 'x-kubernetes-preserve-unknown-fields': true }).optional(),
      empty: z.object({}),
    }),
  )
  assert.deepEqual(schema, {
    type: 'object',
    properties: {
      bytes: { description: 'Bytes.', type: 'string', format: 'byte' },
      time: { type: 'string', format: 'date-time' },
      list: {
        type: 'array',
        'x-kubernetes-list-type': 'atomic',
        items: { type: 'string', enum: ['A', 'B'] },
      },
      map: { type: 'object', additionalProperties: { type: 'string' } },
      optional: { type: 'string' },
      defaulted: { type: 'string', default: 'x' },
      free: { 'x-kubernetes-preserve-unknown-fields': true },
      empty: { type: 'object' },
    },
    required: ['bytes', 'empty', 'list', 'time'],
  })
})
