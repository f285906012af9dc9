import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { findCycle } from './import-cycle.ts'
import { importsOf, packageOf, productFolders, root, sourceFiles, type Import } from './source.ts'

interface Layer {
  readonly folder: string
  /** Folders and files that it may import. */
  readonly may: readonly string[]
  /** Files of which it may take types, nothing that exists at run time. */
  readonly mayTypes?: readonly string[]
}

// The first layer whose folder holds a file is its layer.
const layers: readonly Layer[] = [
  {
    folder: 'workflows/domain/',
    may: ['workflows/domain/'],
    // The rules speak of the payloads that travel between workflows and activities.
    mayTypes: ['workflows/activities.ts', 'workflows/messages.ts'],
  },
  { folder: 'workflows/', may: ['workflows/'] },
  { folder: 'k8s-bridge/api/', may: ['k8s-bridge/api/', 'workflows/domain/'] },
  { folder: 'activities/', may: ['activities/', 'workflows/', 'k8s-bridge/api/'] },
  // The bridge has no activities, but it talks to the API server through the same client.
  { folder: 'k8s-bridge/', may: ['k8s-bridge/', 'workflows/', 'activities/clients/', 'activities/hash.ts'] },
  { folder: 'workers/', may: ['workers/', 'k8s-bridge/', 'activities/', 'workflows/'] },
  { folder: 'cli/', may: ['cli/', 'workers/', 'k8s-bridge/', 'activities/', 'workflows/'] },
]

/** Where in product code each npm library may be imported. One place each: there it can be replaced. */
const libraries: Readonly<Record<string, readonly string[]>> = {
  '@kubernetes/client-node': ['activities/clients/kubernetes/'],
  '@peculiar/x509': ['activities/clients/x509/'],
  'reflect-metadata': ['activities/clients/x509/'],
  jose: ['activities/clients/acme/'],
  'dns-packet': ['activities/clients/dns/'],
  undici: ['activities/clients/'],
  'ipaddr.js': ['activities/clients/addresses.ts'],
  // Writing the CRDs, and reading the manifests that setup applies.
  yaml: ['k8s-bridge/api/crd.ts', 'cli/setup/manifests.ts'],
  pino: ['workers/log.ts'],
  'prom-client': ['workers/telemetry/registry.ts'],
  commander: ['cli/'],
  zod: ['k8s-bridge/api/', 'activities/', 'workers/configuration.ts', 'cli/'],
  '@temporalio/workflow': ['workflows/'],
  '@temporalio/activity': ['activities/'],
  '@temporalio/worker': ['workers/', 'cli/'],
  '@temporalio/client': ['workers/', 'k8s-bridge/', 'cli/'],
  '@temporalio/common': ['workflows/', 'activities/', 'workers/', 'k8s-bridge/', 'cli/'],
  '@temporalio/proto': ['workers/', 'k8s-bridge/', 'cli/'],
}

const files = sourceFiles(productFolders)
const imports = files.flatMap((file) => importsOf(file))
const local = imports.filter((one) => one.local)

test('imports point one way: domain ← workflows ← activities, bridge ← workers ← cli', () => {
  assert.ok(local.length > 100, 'the imports of the product code were not found')
  const wrong = local.filter((one) => !allowed(one)).map(show)
  assert.deepEqual(wrong, [])
})

test('every file of the product code belongs to a layer', () => {
  assert.deepEqual(
    files.filter((file) => !layers.some(({ folder }) => file.startsWith(folder))),
    [],
  )
})

test('every local import names a file that exists, with its extension', () => {
  const missing = local.filter(({ to }) => !to.endsWith('.ts') || !existsSync(join(root, to))).map(show)
  assert.deepEqual(missing, [])
})

test('no circle among the imports that exist at run time', () => {
  const graph = new Map<string, string[]>()
  for (const file of files) graph.set(file, [])
  for (const { from, to, typeOnly } of local) if (!typeOnly) graph.get(from)?.push(to)
  assert.equal(findCycle(graph)?.join(' → '), undefined)
})

test('each npm library is imported in its one place only', () => {
  const foreign = imports.filter(({ local, to }) => !local && !to.startsWith('node:'))
  const wrong = foreign.filter(
    ({ from, to }) => !libraries[packageOf(to)]?.some((place) => from.startsWith(place)),
  )
  assert.deepEqual(wrong.map(show), [])
})

test('workflow code takes no Node built-in, not even as a type', () => {
  const wrong = imports.filter(({ from, to }) => from.startsWith('workflows/') && to.startsWith('node:'))
  assert.deepEqual(wrong.map(show), [])
})

test('a circle is found and told from its start to its start', () => {
  const graph = new Map([
    ['a', ['b']],
    ['b', ['c', 'd']],
    ['c', []],
    ['d', ['b']],
  ])
  assert.deepEqual(findCycle(graph), ['b', 'd', 'b'])
  assert.equal(
    findCycle(
      new Map([
        ['a', ['b', 'c']],
        ['b', ['c']],
        ['c', []],
      ]),
    ),
    undefined,
  )
})

test('every way to import is seen, and types are told from what exists at run time', () => {
  const text = `
    import { a } from './a.ts'
    import type { B } from '../b.ts'
    import { type C } from './c.ts'
    export * from './d.ts'
    export type { E } from './e.ts'
    import './f.ts'
    const g = await import('./g.ts')
    type H = import('./h.ts').H
    import z from 'z/sub'`
  const seen = importsOf('x/y/file.ts', text).map(({ to, typeOnly }) => `${to}${typeOnly ? ' type' : ''}`)
  const expected = ['x/y/a.ts', 'x/b.ts type', 'x/y/c.ts', 'x/y/d.ts', 'x/y/e.ts type', 'x/y/f.ts']
  assert.deepEqual(seen, [...expected, 'x/y/g.ts', 'x/y/h.ts type', 'z/sub'])
})

test('an import against the direction is refused', () => {
  const at = (from: string, to: string, typeOnly = false) => allowed({ from, to, local: true, typeOnly })
  assert.equal(at('workflows/domain/a.ts', 'workflows/messages.ts', true), true)
  assert.equal(at('workflows/domain/a.ts', 'workflows/messages.ts'), false)
  assert.equal(at('workflows/a.ts', 'activities/b.ts', true), false)
  assert.equal(at('activities/a.ts', 'k8s-bridge/lease.ts'), false)
  assert.equal(at('k8s-bridge/a.ts', 'activities/index.ts'), false)
  assert.equal(at('cli/a.ts', 'tools/servers/servers.ts'), false)
  assert.equal(at('workers/a.ts', 'test/domain/facts.ts', true), false)
})

function allowed({ from, to, typeOnly }: Import): boolean {
  const layer = layers.find(({ folder }) => from.startsWith(folder))
  if (layer === undefined) return false
  const may = typeOnly ? [...layer.may, ...(layer.mayTypes ?? [])] : layer.may
  return may.some((place) => to.startsWith(place))
}

function show({ from, to }: Import): string {
  return `${from} → ${to}`
}
