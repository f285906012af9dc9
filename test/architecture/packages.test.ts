import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importsOf, packageOf, productFolders, readSource, sourceFiles } from './source.ts'

type Versions = Record<string, string>
const manifest = JSON.parse(readSource('package.json')) as Record<
  'dependencies' | 'devDependencies' | 'optionalDependencies' | 'overrides',
  Versions
>
const lock = JSON.parse(readSource('package-lock.json')) as { packages: Record<string, { version?: string }> }
const { dependencies, devDependencies, optionalDependencies, overrides } = manifest
const all = { ...dependencies, ...devDependencies, ...optionalDependencies, ...overrides }

test('every version in package.json is exact', () => {
  const loose = Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
  assert.deepEqual(loose, [])
})

test('all packages of @temporalio have the same version, also in the lock file', () => {
  const named = Object.entries(all).filter(([name]) => name.startsWith('@temporalio/'))
  const locked = Object.entries(lock.packages)
    .filter(([path]) => path.includes('node_modules/@temporalio/'))
    .map(([path, { version }]) => [path, version ?? ''] as [string, string])
  assert.ok(named.length > 4 && locked.length >= named.length)
  const versions = new Set([...named, ...locked].map(([, version]) => version))
  assert.deepEqual([...versions], [dependencies['@temporalio/worker']])
})

test('the lock file holds the versions of package.json', () => {
  const differing = Object.entries({ ...dependencies, ...devDependencies })
    .map(([name, version]) => [name, version, lock.packages[`node_modules/${name}`]?.version])
    .filter(([, version, locked]) => version !== locked)
  assert.deepEqual(differing, [])
})

test('product code imports only packages that are installed with the product', () => {
  const imported = sourceFiles(productFolders)
    .flatMap((file) => importsOf(file))
    .filter(({ local, to }) => !local && !to.startsWith('node:'))
  const missing = imported.filter(({ to }) => !Object.hasOwn(dependencies, packageOf(to)))
  assert.deepEqual(
    missing.map(({ from, to }) => `${from} → ${to}`),
    [],
  )
})
