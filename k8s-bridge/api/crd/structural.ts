import * as z from 'zod'
import { OPAQUE_OBJECT, OPTIONAL_IN_CRD, SERVER_DEFAULT } from './markers.ts'

/** A structural OpenAPI v3 schema, as an apiextensions.k8s.io/v1 CRD wants it. */
export interface StructuralSchema {
  [keyword: string]: unknown
  properties?: Record<string, StructuralSchema>
}

/** A shape of zod that has no structural schema. The message names the field and what to write instead. */
export class NotStructuralError extends Error {
  override readonly name = 'NotStructuralError'
}

type Node = Record<string, unknown>

/**
 * The structural schema of a zod schema.
 *
 * @throws NotStructuralError for unions, tuples, nullable fields, defaults and patterns that the API server refuses
 */
export function structuralSchema(schema: z.ZodType): StructuralSchema {
  const raw = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
    reused: 'inline',
    unrepresentable: 'any',
  })
  return convert(raw, '')
}

const kept = [
  'description',
  'type',
  'format',
  'pattern',
  'enum',
  'default',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-int-or-string',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-validations',
]
const understood = new Set([
  ...kept,
  'properties',
  'required',
  'additionalProperties',
  'items',
  'anyOf',
  // Dropped: the API server declares none of these.
  '$schema',
  'id',
  'contentEncoding',
  'propertyNames',
  OPTIONAL_IN_CRD,
  SERVER_DEFAULT,
  OPAQUE_OBJECT,
])

function convert(node: Node, path: string): StructuralSchema {
  refuse(node, path)
  if (node[OPAQUE_OBJECT] === true) return { type: 'object' }

  const schema: StructuralSchema = {}
  for (const keyword of kept) if (node[keyword] !== undefined) schema[keyword] = node[keyword]
  if (node['x-kubernetes-int-or-string'] === true) {
    return { ...schema, anyOf: [{ type: 'integer' }, { type: 'string' }] }
  }
  dropIntegerBounds(schema)
  dropFormatPattern(schema)

  const properties = node.properties as Record<string, Node> | undefined
  if (properties !== undefined && Object.keys(properties).length > 0) {
    const names = Object.keys(properties).sort()
    schema.properties = Object.fromEntries(
      names.map((name) => [name, convert(properties[name]!, `${path}.${name}`)]),
    )
    const demanded = new Set((node.required as string[] | undefined) ?? [])
    const required = names.filter((name) => demanded.has(name) && properties[name]![OPTIONAL_IN_CRD] !== true)
    if (required.length > 0) schema.required = required
  } else if (isObject(node.additionalProperties)) {
    schema.additionalProperties = convert(node.additionalProperties, `${path}{}`)
  }
  if (isObject(node.items)) schema.items = convert(node.items, `${path}[]`)
  return schema
}

function refuse(node: Node, path: string): void {
  const fail = (problem: string): never => {
    throw new NotStructuralError(`${path === '' ? 'the schema' : path}: ${problem}`)
  }
  for (const keyword of [
    'oneOf',
    'allOf',
    'not',
    ...(node['x-kubernetes-int-or-string'] === true ? [] : ['anyOf']),
  ]) {
    if (node[keyword] !== undefined) {
      fail(
        `a union or intersection (${keyword}) is not structural; make one object and check the choice by a rule`,
      )
    }
  }
  if (node.$ref !== undefined) fail('a reference or recursion is not structural; write the schema out')
  if (node.nullable === true) fail('nullable is not for CRDs; make the field optional')
  if (Array.isArray(node.items) || node.prefixItems !== undefined)
    fail('a tuple is not structural; use an object')
  if (node.default !== undefined && node[SERVER_DEFAULT] !== true) {
    fail(
      'a default would be written into stored objects; apply it where the field is read, or use serverDefault',
    )
  }
  if (typeof node.pattern === 'string' && /\(\?[=!<]|\\[1-9]/.test(node.pattern)) {
    fail('the pattern uses what Go does not know (look-around, back-reference); write it without')
  }
  if (
    node.type === undefined &&
    node['x-kubernetes-preserve-unknown-fields'] !== true &&
    node['x-kubernetes-int-or-string'] !== true
  ) {
    fail('has no type; mark free-form content with x-kubernetes-preserve-unknown-fields')
  }
  if (node.type === 'array' && !isObject(node.items)) fail('a list needs a type for its items')
  const unknown = Object.keys(node).find((keyword) => !understood.has(keyword))
  if (unknown !== undefined) fail(`the keyword ${unknown} is unknown in CRDs`)
}

// zod writes the limits of the number type; the API server knows them from type and format.
function dropIntegerBounds(schema: StructuralSchema): void {
  if (schema.type !== 'integer') return
  if (schema.minimum === Number.MIN_SAFE_INTEGER || schema.minimum === -(2 ** 31)) delete schema.minimum
  if (schema.maximum === Number.MAX_SAFE_INTEGER || schema.maximum === 2 ** 31 - 1) delete schema.maximum
}

// For these two the API server checks the format itself; zod's patterns are long and slightly stricter.
function dropFormatPattern(schema: StructuralSchema): void {
  if (schema.format === 'base64') schema.format = 'byte'
  if (schema.format === 'byte' || schema.format === 'date-time') delete schema.pattern
}

function isObject(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
