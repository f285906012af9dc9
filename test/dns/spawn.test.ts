import assert from 'node:assert/strict'
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { spawnChild, type ChildRequest } from '../../activities/clients/spawn.ts'
import { isRunning, readPids, until } from './processes.ts'

const directory = mkdtempSync(join(tmpdir(), 'certloom-spawn-'))
after(() => rmSync(directory, { recursive: true }))
const hang = fileURLToPath(new URL('plugins/hang.mjs', import.meta.url))

let files = 0
const fresh = () => join(directory, `file-${files++}`)
const node = (script: string, more: Partial<ChildRequest> = {}) =>
  spawnChild({ file: process.execPath, args: ['-e', script], env: {}, cwd: '/', timeoutMs: 20_000, ...more })
const hanging = (config: object, more: Partial<ChildRequest>) =>
  spawnChild({
    file: process.execPath,
    args: [hang],
    env: {},
    cwd: '/',
    stdin: Buffer.from(JSON.stringify(config)),
    timeoutMs: 20_000,
    graceMs: 50,
    ...more,
  })

test('the child sees the given environment and nothing of ours, not even under coverage', async () => {
  const before = process.env.NODE_V8_COVERAGE
  process.env.NODE_V8_COVERAGE = directory
  try {
    const child = await node('process.stdout.write(JSON.stringify(process.env))', {
      env: { ONE: '1' },
      stdoutLimit: 1000,
    })
    assert.deepEqual(JSON.parse(child.stdout.bytes.toString()), { ONE: '1' })
  } finally {
    if (before === undefined) delete process.env.NODE_V8_COVERAGE
    else process.env.NODE_V8_COVERAGE = before
  }
})

test('a polluted Object.prototype adds neither a shell nor a variable', async () => {
  const prototype = Object.prototype as Record<string, unknown>
  prototype.shell = '/bin/false'
  prototype.INJECTED = 'yes'
  try {
    const child = await node('process.stdout.write(Object.keys(process.env).join())', { stdoutLimit: 1000 })
    assert.equal(child.exitCode, 0)
    assert.equal(child.stdout.bytes.toString(), '')
  } finally {
    delete prototype.shell
    delete prototype.INJECTED
  }
})

test('stdin arrives byte for byte and ends', async () => {
  const bytes = Buffer.from([0, 255, 10, 13, 128, 65])
  const child = await node('process.stdin.pipe(process.stdout)', { stdin: bytes, stdoutLimit: 100 })
  assert.deepEqual(child.stdout.bytes, bytes)
})

test('a child that does not read its stdin is a success', async () => {
  const child = await node('process.exit(0)', { stdin: Buffer.alloc(4_000_000) })
  assert.deepEqual([child.exitCode, child.signal], [0, null])
})

test('output beyond the limit is dropped while the child goes on to its end', async () => {
  const script = `const fs = require('node:fs')
    for (let count = 0; count < 160; count++) for (const stream of [1, 2]) fs.writeSync(stream, 'x'.repeat(65536))
    process.exit(7)`
  const child = await node(script, { stdoutLimit: 10, stderrLimit: 1000 })
  assert.equal(child.exitCode, 7)
  assert.deepEqual([child.stdout.bytes.length, child.stdout.truncated], [10, true])
  assert.deepEqual([child.stderr.bytes.length, child.stderr.truncated], [1000, true])
})

test('output that fits the limit exactly is not called truncated', async () => {
  const child = await node(`process.stderr.write('12345')`, { stderrLimit: 5 })
  assert.deepEqual([child.stderr.bytes.toString(), child.stderr.truncated], ['12345', false])
})

test('everything that the child wrote before its end is there', async () => {
  const child = await node(`require('node:fs').writeSync(2, 'y'.repeat(15000)); process.exit(1)`)
  assert.equal(child.stderr.bytes.length, 15_000)
})

test('the signal that ended the child is named', async () => {
  const child = await node(`process.kill(process.pid, 'SIGUSR2')`)
  assert.deepEqual([child.exitCode, child.signal, child.timedOut], [null, 'SIGUSR2', false])
})

test('a program that does not exist rejects with ENOENT', async () => {
  const missing = spawnChild({ file: join(directory, 'nothing'), env: {}, cwd: '/', timeoutMs: 1000 })
  await assert.rejects(missing, { code: 'ENOENT' })
})

test('after the timeout a group that ignores SIGTERM is killed, grandchildren too', async () => {
  const pids = fresh()
  const child = await hanging({ pids }, { timeoutMs: 2000 })
  assert.deepEqual([child.timedOut, child.signal], [true, 'SIGKILL'])
  const group = readPids(pids)
  assert.equal(group.length, 2)
  await until('the whole group has ended', () => !group.some(isRunning))
})

test('a child that obeys SIGTERM is not killed', async () => {
  const script = `process.on('SIGTERM', () => process.exit(5)); setInterval(() => {}, 1000)`
  const child = await node(script, { timeoutMs: 1000, graceMs: 20_000 })
  assert.deepEqual([child.timedOut, child.exitCode], [true, 5])
})

test('an abort kills the group and rejects with its reason', async () => {
  const pids = fresh()
  const abort = new AbortController()
  const ended = assert.rejects(hanging({ pids }, { signal: abort.signal }), /the worker stops/)
  await until('the child runs', () => existsSync(pids))
  abort.abort(new Error('the worker stops'))
  await ended
  const group = readPids(pids)
  await until('the whole group has ended', () => !group.some(isRunning))
})

test('an abort that came before starts nothing', async () => {
  const file = fresh()
  const script = `require('node:fs').writeFileSync(${JSON.stringify(file)}, '')`
  await assert.rejects(node(script, { signal: AbortSignal.abort(new Error('too late')) }), /too late/)
  assert.equal(existsSync(file), false)
})

test('the end of the child is the end, though a grandchild holds its pipes, and the grandchild ends with it', async () => {
  const pids = fresh()
  const child = await hanging({ pids, endAfterGrandchild: true }, {})
  assert.deepEqual([child.exitCode, child.timedOut], [0, false])
  const group = readPids(pids)
  await until('the grandchild has ended', () => !group.some(isRunning))
})

test('a grandchild that left the group holds its pipes in vain', async () => {
  const pids = fresh()
  const started = performance.now()
  const child = await hanging({ pids, endAfterGrandchild: true, escape: true }, {})
  const [, escaped = 0] = readPids(pids)
  try {
    assert.equal(child.exitCode, 0)
    assert.equal(isRunning(escaped), true)
    assert.ok(performance.now() - started < 10_000)
  } finally {
    process.kill(escaped, 'SIGKILL')
  }
})

test('the heartbeat is called while the child runs, and what it throws ends the child', async () => {
  let beats = 0
  const heartbeat = () => {
    beats++
    throw new Error('nobody listens')
  }
  await assert.rejects(hanging({ pids: fresh() }, { heartbeat }), /nobody listens/)
  assert.equal(beats, 1)
})

test('a program that is still open for writing is tried again', async () => {
  const file = fresh()
  writeFileSync(file, '#!/bin/sh\nexit 9\n', { mode: 0o755 })
  const writer = openSync(file, 'r+')
  const running = spawnChild({ file, env: {}, cwd: '/', timeoutMs: 10_000 })
  closeSync(writer)
  assert.equal((await running).exitCode, 9)
})

test('a program that stays open for writing rejects with ETXTBSY', async () => {
  const file = fresh()
  writeFileSync(file, '#!/bin/sh\nexit 9\n', { mode: 0o755 })
  const writer = openSync(file, 'r+')
  try {
    await assert.rejects(spawnChild({ file, env: {}, cwd: '/', timeoutMs: 10_000 }), { code: 'ETXTBSY' })
  } finally {
    closeSync(writer)
  }
})
