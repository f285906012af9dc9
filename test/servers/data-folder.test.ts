import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { DataFolder } from '../../tools/servers/data-folder.ts'
import { tempFolder } from './helpers.ts'

test('a folder in use by a live process is refused with that process named', async () => {
  await using folder = await tempFolder()
  const first = await DataFolder.open(folder.path, false)
  await assert.rejects(
    DataFolder.open(folder.path, false),
    new RegExp(`in use by process ${process.pid}: stop`),
  )
  first.close()
  ;(await DataFolder.open(folder.path, false)).close()
})

test("a folder with somebody else's files is refused, and fresh does not delete them", async () => {
  await using folder = await tempFolder()
  const file = join(folder.path, 'thesis.txt')
  await writeFile(file, 'years of work')
  await assert.rejects(DataFolder.open(folder.path, true), /holds other files: name an empty or a new folder/)
  assert.ok(existsSync(file))
})

test('ports are remembered until the folder is made fresh', async () => {
  await using folder = await tempFolder()
  const first = await DataFolder.open(folder.path, false)
  first.remember({ ports: { etcd: 12345 } })
  first.close()
  const second = await DataFolder.open(folder.path, false)
  assert.deepEqual(second.ports, { etcd: 12345 })
  second.close()
  const third = await DataFolder.open(folder.path, true)
  assert.deepEqual(third.ports, {})
  third.close()
})
