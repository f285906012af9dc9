import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { test } from 'node:test'
import { Supervisor } from '../../tools/servers/supervisor.ts'
import { runs, tempFolder, until } from './helpers.ts'

const sleeper = ['-e', 'setInterval(() => {}, 1000)']

function lineOf(folder: string, args: string[] = sleeper) {
  return { command: process.execPath, args, env: process.env, cwd: folder, log: join(folder, 'log') }
}

test('a child that ends reports its exit code', async () => {
  await using folder = await tempFolder()
  const supervisor = new Supervisor()
  const child = await supervisor.start(lineOf(folder.path, ['-e', 'process.exit(7)']))
  assert.deepEqual(await child.exited, { code: 7, signal: null })
  await supervisor.close()
})

test('a command that does not exist is an error that names it', async () => {
  await using folder = await tempFolder()
  const supervisor = new Supervisor()
  const line = { ...lineOf(folder.path), command: '/no/such/program' }
  await assert.rejects(supervisor.start(line), /cannot run \/no\/such\/program: .*ENOENT/)
  await supervisor.close()
})

test('closing kills every child', async () => {
  await using folder = await tempFolder()
  const supervisor = new Supervisor()
  const child = await supervisor.start(lineOf(folder.path))
  assert.ok(runs(child.pid))
  await supervisor.close()
  await until('the child is gone', () => !runs(child.pid))
})

test('children are killed when the supervisor itself is killed by force', async () => {
  await using folder = await tempFolder()
  const supervisor = new Supervisor()
  const child = await supervisor.start(lineOf(folder.path))
  process.kill(supervisor.pid!, 'SIGKILL')
  await until('the child is gone', () => !runs(child.pid))
  await assert.rejects(supervisor.start(lineOf(folder.path)), /supervisor of the local servers has ended/)
})

test('children and their children are killed when their owner is killed by force', async () => {
  await using folder = await tempFolder()
  const parent = `const {pid} = require('node:child_process').spawn(process.execPath, ${JSON.stringify(sleeper)});
    require('node:fs').writeFileSync('grandchild', String(pid)); setInterval(() => {}, 1000)`
  const owner = spawn(process.execPath, ['--input-type=module', '-e', ownerProgram(folder.path, parent)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [text] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string]
  const { child, helper, grandchild } = JSON.parse(text) as Record<'child' | 'helper' | 'grandchild', number>
  for (const pid of [child, helper, grandchild]) assert.ok(runs(pid))
  owner.kill('SIGKILL')
  await until('all three are gone', () => [child, helper, grandchild].every((pid) => !runs(pid)))
})

function ownerProgram(folder: string, parent: string): string {
  return `
    import { existsSync, readFileSync } from 'node:fs'
    import { Supervisor } from ${JSON.stringify(new URL('../../tools/servers/supervisor.ts', import.meta.url).href)}
    const supervisor = new Supervisor()
    const file = ${JSON.stringify(join(folder, 'grandchild'))}
    const { pid } = await supervisor.start(${JSON.stringify(lineOf(folder, ['-e', parent]))})
    const timer = setInterval(() => {
      const grandchild = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0
      if (!grandchild) return
      clearInterval(timer)
      console.log(JSON.stringify({ child: pid, helper: supervisor.pid, grandchild }))
    }, 10)`
}
