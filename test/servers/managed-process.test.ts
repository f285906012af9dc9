import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { LocalProcess } from '../../tools/servers/managed-process.ts'
import { Supervisor } from '../../tools/servers/supervisor.ts'
import { tempFolder } from './helpers.ts'

test('a server that is killed on purpose and started again at once counts as asked for, however long its log is', async () => {
  await using folder = await tempFolder()
  const supervisor = new Supervisor()
  const log = join(folder.path, 'log')
  const line = { command: 'sleep', args: ['600'], env: process.env, cwd: folder.path, log }
  const deaths: string[] = []
  const server = new LocalProcess(
    supervisor,
    { name: 'pebble', line, data: [], graceMs: 5_000, ready: () => Promise.resolve(true) },
    { died: (error) => deaths.push(error.message), started: () => undefined },
  )
  await server.start()
  // What is said of a death quotes the end of the log, and reading it may take longer than the next start.
  await writeFile(log, '')
  for (let times = 0; times < 20; times++) {
    await writeFile(log, 'a line of a log\n'.repeat(2 ** 16), { flag: 'a' })
    await server.kill()
    await server.start()
  }
  await server.halt()
  await supervisor.close()
  assert.deepEqual(deaths, [])
})
