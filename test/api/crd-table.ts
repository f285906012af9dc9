/**
 * The fields of the CRDs as a table, one line each: kind, path, "required" or nothing, rules as JSON. Descriptions are
 * left out. The committed copy, crd-fields.tsv, is the contract with manifests and tools: to change it on purpose, run
 * `node tools/node24.mjs test/api/crd-table.ts --write` and say in the commit why the API changes.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { customResourceDefinition, type CustomResourceDefinition } from '../../k8s-bridge/api/crd.ts'
import { definitions } from '../../k8s-bridge/api/crd/definitions.ts'

const file = join(import.meta.dirname, 'crd-fields.tsv')

type Node = Record<string, unknown>

/** Keywords that lead to other lines or are for people only. */
const structure = new Set(['description', 'properties', 'items', 'additionalProperties', 'required'])

export function generatedCrds(): CustomResourceDefinition[] {
  return definitions.map(customResourceDefinition)
}

/** One field of a CRD with everything that its schema says of it. */
export interface Field {
  kind: string
  /** `.spec.dnsNames[]` are the items of a list, `.spec.extra{}` the values of a map. */
  path: string
  required: boolean
  schema: Node
}

export function fieldsOf(crd: CustomResourceDefinition): Field[] {
  const kind = String(crd.spec.names.kind)
  return crd.spec.versions.flatMap((version) => walk(kind, '', version.schema.openAPIV3Schema, false))
}

function walk(kind: string, path: string, schema: Node, required: boolean): Field[] {
  const fields: Field[] = [{ kind, path, required, schema }]
  const demanded = (schema.required ?? []) as string[]
  for (const [name, child] of Object.entries((schema.properties ?? {}) as Record<string, Node>)) {
    fields.push(...walk(kind, `${path}.${name}`, child, demanded.includes(name)))
  }
  if (schema.items !== undefined) fields.push(...walk(kind, `${path}[]`, schema.items as Node, false))
  if (schema.additionalProperties !== undefined) {
    fields.push(...walk(kind, `${path}{}`, schema.additionalProperties as Node, false))
  }
  return fields
}

export function tableOf(crds: readonly CustomResourceDefinition[]): string[] {
  return crds.flatMap((crd) => [...headLines(crd), ...fieldsOf(crd).map(fieldLine)]).sort()
}

function headLines(crd: CustomResourceDefinition): string[] {
  const { group, names, scope, versions } = crd.spec
  const line = (about: string, value: unknown) => `${String(names.kind)}\t#${about}\t\t${sortedJson(value)}`
  return [
    line('group', group),
    line('names', names),
    line('scope', scope),
    ...versions.flatMap((version) => [
      line('version', { name: version.name, served: version.served, storage: version.storage }),
      line('subresources', version.subresources),
      line('selectableFields', version.selectableFields ?? []),
      // One line for all: their order is that of the columns on the screen.
      line(
        'columns',
        (version.additionalPrinterColumns as Node[]).map(({ description: _, ...column }) => column),
      ),
    ]),
  ]
}

function fieldLine({ kind, path, required, schema }: Field): string {
  const rules = Object.entries(schema).filter(([keyword]) => !structure.has(keyword))
  return `${kind}\t${path}\t${required ? 'required' : ''}\t${sortedJson(Object.fromEntries(rules))}`
}

function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}

export function committedTable(): string[] {
  return readFileSync(file, 'utf8').trimEnd().split('\n')
}

if (import.meta.main && process.argv.includes('--write')) {
  const table = tableOf(generatedCrds())
  writeFileSync(file, table.join('\n') + '\n')
  console.log(`${table.length} lines written to test/api/crd-fields.tsv`)
}
