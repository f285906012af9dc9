import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { installPlugin } from '../../tools/plugins/install.ts'

const run = promisify(execFile)
let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'certloom-install-'))
})
after(() => rm(directory, { recursive: true }))

const sourceOf = async (name: string, content: string) => {
  const path = join(directory, name)
  await writeFile(path, content)
  return path
}
const modeOf = async (path: string) => (await stat(path)).mode & 0o777

test('a script is copied and made executable for all, writable for its owner', async () => {
  const source = await sourceOf('one.sh', '#!/bin/sh\necho one\n')
  const path = await installPlugin(source, join(directory, 'plugins'), 'one')
  assert.equal(await modeOf(path), 0o755)
  assert.equal((await run(path, [], { env: {} })).stdout, 'one\n')
})

test('a module starts with the Node that installed it, without a search path, also beside a package.json', async () => {
  const target = join(directory, 'modules')
  await installPlugin(
    await sourceOf('two.mjs', `import 'node:fs'\nconsole.log(process.execPath)\n`),
    target,
    'two',
  )
  await writeFile(join(target, 'package.json'), '{}')
  const { stdout, stderr } = await run(join(target, 'two'), [], { env: {} })
  assert.deepEqual([stdout, stderr], [`${process.execPath}\n`, ''])
  assert.deepEqual([await modeOf(join(target, 'two')), await modeOf(join(target, 'two.mjs'))], [0o755, 0o644])
})

test('a Node whose path a first line cannot hold is started by the shell', async () => {
  const target = join(directory, "it's a directory")
  const { execPath } = process
  process.execPath = join(directory, "no de's", 'node')
  try {
    const path = await installPlugin(await sourceOf('three.mjs', ''), target, 'three')
    assert.equal(
      await readFile(path, 'utf8'),
      `#!/bin/sh\nexec '${directory}/no de'\\''s/node' '${directory}/it'\\''s a directory/three.mjs'\n`,
    )
  } finally {
    process.execPath = execPath
  }
})

test('installing again replaces the plugin and leaves no other file', async () => {
  const target = join(directory, 'again')
  await installPlugin(await sourceOf('four.sh', '#!/bin/sh\necho old\n'), target, 'four')
  const path = await installPlugin(await sourceOf('four.sh', '#!/bin/sh\necho new\n'), target, 'four')
  assert.equal((await run(path, [], { env: {} })).stdout, 'new\n')
  assert.deepEqual(await readdir(target), ['four'])
})

test('a source that does not exist leaves nothing behind', async () => {
  const target = join(directory, 'nothing')
  await assert.rejects(installPlugin(join(directory, 'absent.sh'), target, 'five'), { code: 'ENOENT' })
  assert.deepEqual(await readdir(target), [])
})
