import assert from 'node:assert/strict'
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify, stripVTControlCharacters } from 'node:util'
import { runs, tempFolder, until } from '../../servers/helpers.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const LIMIT_MS = 90_000

interface Demo {
  readonly launcher: ChildProcess
  /** What it has printed up to now. */
  readonly output: () => string
  readonly exit: Promise<unknown[]>
}

/** As `npm run demo` does, with a data folder of its own. */
function startDemo(data: string, ...args: string[]): Demo {
  const launcher = spawn(
    process.execPath,
    ['tools/node24.mjs', 'tools/demo/demo.ts', '--data', data, ...args],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } },
  )
  let text = ''
  for (const stream of [launcher.stdout, launcher.stderr])
    stream.on('data', (part: Buffer) => (text += part.toString()))
  return { launcher, output: () => stripVTControlCharacters(text), exit: once(launcher, 'exit') }
}

async function untilPrinted(demo: Demo, text: string): Promise<void> {
  const ended = demo.exit.then(([code]) =>
    assert.fail(`the demo ended with ${String(code)}:\n${demo.output()}`),
  )
  await Promise.race([
    ended,
    until(`the demo prints "${text}"`, () => demo.output().includes(text), LIMIT_MS),
  ])
  ended.catch(() => undefined)
}

/** No process that names the folder, no controller, and nobody on any port that was chosen. */
async function assertNothingLeft(data: string, demo: Demo): Promise<void> {
  await until('no process of the demo runs', async () => {
    const { stdout } = await promisify(execFile)('ps', ['-ww', '-eo', 'command='])
    return !stdout.includes(data)
  })
  const [, controller] = /certloom all runs as process (\d+)/.exec(demo.output()) ?? []
  if (controller !== undefined) await until('the controller is gone', () => !runs(Number(controller)))
  const { ports } = JSON.parse(await readFile(join(data, 'certloom-servers.json'), 'utf8')) as {
    ports: Record<string, number>
  }
  for (const [name, port] of Object.entries(ports))
    await until(`port ${port} of ${name} is free`, async () => !(await answers(port)))
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('error', () => resolve(false))
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

test('with --once it shows every step, prints the verified certificate, ends with 0 and leaves nothing', async () => {
  await using folder = await tempFolder()
  const data = join(folder.path, 'data')
  const demo = startDemo(data, '--once')
  const [code] = await demo.exit
  const output = demo.output()
  assert.equal(code, 0, output)
  for (const phase of ['servers', 'setup', 'controller', 'policies', 'issuer'])
    assert.match(output, new RegExp(`✓ ${phase} .*\\(\\d+\\.\\d s\\)`), phase)
  for (const step of ['prepare', 'createOrder', 'finalizeAndPublish'])
    assert.match(output, new RegExp(`\\+\\d+\\.\\d\\d s +${step} +.*\\d m?s$`, 'm'), step)
  for (const step of ['presentChallenge', 'checkPropagation', 'answerChallenge', 'cleanUpChallenge'])
    assert.equal(output.match(new RegExp(`^ *\\+.* s +${step} `, 'gm'))?.length, 2, step)
  assert.match(output, /Certificate +Ready False, DoesNotExist/)
  assert.match(output, /Certificate +Ready True/)
  assert.match(output, /Order +valid/)
  assert.match(output, /DNS names +example\.com, \*\.example\.com$/m)
  assert.match(output, /Issuer +CN=Pebble Intermediate CA/)
  assert.match(output, /Chain +✓ leads to Pebble's root/)
  assert.match(output, /Key +✓/)
  assert.match(output, /Names +✓/)
  assert.match(output, /Secret +demo\/site-tls \(kubernetes\.io\/tls\): tls\.crt, tls\.key/)
  assert.match(output, /Apply to Ready +\d+\.\d\d s/)
  await assertNothingLeft(data, demo)
})

test('a plugin that fails makes it end with 1 and say what the plugin said', async () => {
  await using folder = await tempFolder()
  const data = join(folder.path, 'data')
  const plugin = join(folder.path, 'broken.sh')
  await writeFile(plugin, '#!/bin/sh\necho "the zone is locked" >&2\nexit 1\n')
  await chmod(plugin, 0o755)
  const demo = startDemo(data, '--once', '--plugin', plugin, '--timeout', '8')
  assert.equal((await demo.exit)[0], 1, demo.output())
  assert.match(demo.output(), /Certificate demo\/site is not Ready after 8 s/)
  assert.match(demo.output(), /^ +Stalled True, PluginFailed: .*the zone is locked/m)
  assert.match(demo.output(), /Warning Challenge\/\S+ PresentError: .*the zone is locked/)
  assert.doesNotMatch(demo.output(), /Chain +✓/)
  await assertNothingLeft(data, demo)
})

test('without --once it stays, tells what to try, and Ctrl-C ends it with 0', async () => {
  await using folder = await tempFolder()
  const data = join(folder.path, 'data')
  const demo = startDemo(data)
  await untilPrinted(demo, 'Ctrl-C stops everything')
  const output = demo.output()
  assert.match(output, new RegExp(`export KUBECONFIG=${data}/admin\\.kubeconfig`))
  assert.match(output, /export TEMPORAL_ADDRESS=127\.0\.0\.1:\d+ TEMPORAL_NAMESPACE=certloom/)
  assert.match(output, /temporal workflow signal -w certificate\/demo\/site --name renew/)
  const [ui] = /http:\S+\/namespaces\/certloom\/workflows\/certificate%2Fdemo%2Fsite/.exec(output) ?? []
  assert.equal((await fetch(ui ?? '')).status, 200)
  demo.launcher.kill('SIGINT')
  assert.deepEqual(await demo.exit, [0, null])
  await assertNothingLeft(data, demo)
})

test('kill -9 of whoever started it ends everything', async () => {
  await using folder = await tempFolder()
  const data = join(folder.path, 'data')
  const demo = startDemo(data)
  await untilPrinted(demo, 'ClusterIssuer pebble is Ready')
  demo.launcher.kill('SIGKILL')
  await demo.exit
  await assertNothingLeft(data, demo)
})

test('Ctrl-C while the servers start ends everything', async () => {
  await using folder = await tempFolder()
  const data = join(folder.path, 'data')
  const demo = startDemo(data, '--once')
  await untilPrinted(demo, 'kube-apiserver: starting')
  demo.launcher.kill('SIGINT')
  assert.deepEqual(await demo.exit, [130, null])
  await assertNothingLeft(data, demo)
})

test('a bad argument is refused at once, with the remedy', async () => {
  await using folder = await tempFolder()
  const demo = startDemo(folder.path, '--timeout', 'soon')
  assert.deepEqual(await demo.exit, [2, null])
  assert.match(demo.output(), /--timeout soon: write a number of seconds/)
  assert.match(demo.output(), /npm run demo -- --help/)
  const other = startDemo(folder.path, '--plugin', join(folder.path, 'nowhere'))
  assert.deepEqual(await other.exit, [2, null])
  assert.match(other.output(), /--plugin \S+nowhere: there is no such file/)
})
