import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { isHolder, tryLock } from '../../tools/servers/file-lock.ts'
import { tempFolder } from './helpers.ts'

test('of many that want the lock at once, one gets it and the others learn who', async () => {
  await using folder = await tempFolder()
  const path = join(folder.path, 'lock')
  const answers = await Promise.all(Array.from({ length: 20 }, () => tryLock(path)))
  const holders = answers.filter(isHolder)
  assert.equal(holders.length, 19)
  assert.ok(holders.every(({ pid }) => pid === process.pid))
  assert.deepEqual(await readdir(folder.path), ['lock'])
})

test('a released lock can be taken again', async () => {
  await using folder = await tempFolder()
  const path = join(folder.path, 'lock')
  const first = await tryLock(path)
  assert.ok(!isHolder(first))
  first.release()
  assert.ok(!existsSync(path))
  assert.ok(!isHolder(await tryLock(path)))
})

test('the lock of a process that is gone is broken', async () => {
  await using folder = await tempFolder()
  const path = join(folder.path, 'lock')
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  await writeFile(path, JSON.stringify({ pid, started: '1' }))
  assert.ok(!isHolder(await tryLock(path)))
})

test(
  'a lock whose process number now belongs to another process is broken',
  { skip: process.platform !== 'linux' },
  async () => {
    await using folder = await tempFolder()
    const path = join(folder.path, 'lock')
    await writeFile(path, JSON.stringify({ pid: process.pid, started: '1' }))
    assert.ok(!isHolder(await tryLock(path)))
  },
)

test('a lock file with unreadable content is broken', async () => {
  await using folder = await tempFolder()
  const path = join(folder.path, 'lock')
  await writeFile(path, 'half of')
  assert.ok(!isHolder(await tryLock(path)))
})

test('releasing a lock that another has taken over leaves it alone', async () => {
  await using folder = await tempFolder()
  const path = join(folder.path, 'lock')
  const first = await tryLock(path)
  assert.ok(!isHolder(first))
  await writeFile(path, JSON.stringify({ pid: 1, started: '' }))
  first.release()
  assert.ok(existsSync(path))
})
