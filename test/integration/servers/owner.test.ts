import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ServersFacts } from '../../../tools/servers/facts.ts'
import { DataFolder } from '../../../tools/servers/data-folder.ts'
import { runs, tempFolder, until } from '../../servers/helpers.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

interface Owner {
  /** tools/node24.mjs, which npm would start. */
  readonly launcher: ChildProcess
  readonly facts: ServersFacts
  readonly ports: readonly number[]
}

async function startOwner(dataDir: string, only: string): Promise<Owner> {
  const args = ['tools/node24.mjs', 'tools/servers/main.ts', '--json', '--data', dataDir, '--only', only]
  const launcher = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] })
  const [line] = (await Promise.race([
    once(createInterface({ input: launcher.stdout }), 'line'),
    once(launcher, 'exit').then(([code]) => assert.fail(`the owner ended with ${String(code)}`)),
  ])) as [string]
  const facts = JSON.parse(line) as ServersFacts
  const ports = [facts.kubernetes?.url, facts.pebble?.directoryUrl, facts.temporal?.uiUrl]
  return { launcher, facts, ports: ports.flatMap((url) => (url ? Number(new URL(url).port) : [])) }
}

async function assertNothingLeft(owner: Owner): Promise<void> {
  await until('the owner is gone', () => !runs(owner.facts.ownerPid))
  for (const port of owner.ports) await until(`port ${port} is free`, async () => !(await answers(port)))
  // No server holds the folder or its database either: the next owner can have it.
  const folder = await DataFolder.open(owner.facts.dataDir, false)
  folder.close()
}

test('kill -9 of the owner leaves no server behind', async () => {
  await using folder = await tempFolder()
  const owner = await startOwner(folder.path, 'kube-apiserver,temporal,pebble')
  assert.equal(owner.ports.length, 3)
  for (const port of owner.ports) assert.ok(await answers(port))
  process.kill(owner.facts.ownerPid, 'SIGKILL')
  await assertNothingLeft(owner)
})

test('kill -9 of the launcher leaves no server behind', async () => {
  await using folder = await tempFolder()
  const owner = await startOwner(folder.path, 'pebble')
  owner.launcher.kill('SIGKILL')
  await assertNothingLeft(owner)
})

test('Ctrl-C stops everything and ends with exit code 0', async () => {
  await using folder = await tempFolder()
  const owner = await startOwner(folder.path, 'temporal,pebble')
  const exit = once(owner.launcher, 'exit')
  process.kill(owner.facts.ownerPid, 'SIGINT')
  assert.deepEqual(await exit, [0, null])
  await assertNothingLeft(owner)
})

test('SIGTERM to the launcher stops everything', async () => {
  await using folder = await tempFolder()
  const owner = await startOwner(folder.path, 'pebble')
  const exit = once(owner.launcher, 'exit')
  owner.launcher.kill('SIGTERM')
  assert.deepEqual(await exit, [0, null])
  await assertNothingLeft(owner)
})

test('a second start with the same data folder keeps the addresses', async () => {
  await using folder = await tempFolder()
  const first = await startOwner(folder.path, 'pebble')
  first.launcher.kill('SIGTERM')
  await assertNothingLeft(first)
  const second = await startOwner(folder.path, 'pebble')
  second.launcher.kill('SIGTERM')
  assert.deepEqual(second.facts.pebble?.directoryUrl, first.facts.pebble?.directoryUrl)
  await assertNothingLeft(second)
})

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}
