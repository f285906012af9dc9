import assert from 'node:assert/strict'
import { chmod, copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { CertloomError } from '../../activities/failure.ts'
import { spawnChild } from '../../activities/clients/spawn.ts'
import { cleanUpRecord, findDnsProvider } from '../../activities/dns/registry.ts'
import type { ChallengeRecord } from '../../activities/dns/provider.ts'
import type { FailureCode } from '../../workflows/domain/failures.ts'
import { callContext, openPluginWorld, type PluginWorld } from './plugin-world.ts'
import { isRunning, readPids, until } from './processes.ts'
import { providerContract } from './provider-contract.ts'

const record: ChallengeRecord = {
  fqdn: '_acme-challenge.example.com.',
  domain: 'example.com',
  value: '8bGFl9SNhZzukcwdR7e52gFwq6HaEHB43LbimZQwnLg',
}
const webhook = (config: unknown) => ({ webhook: { groupName: 'certloom.dev', solverName: 'exec', config } })

let world: PluginWorld
before(async () => {
  world = await openPluginWorld()
})
after(() => world.close())

/** An exec provider whose Secret holds `stdin`. */
function provider(plugin: string, stdin?: string | Buffer, more: object = {}) {
  if (stdin !== undefined) world.secrets.set('team/credentials/config', stdin)
  const secretRef = stdin === undefined ? undefined : { name: 'credentials', key: 'config' }
  return findDnsProvider(webhook({ plugin, ...(secretRef && { secretRef }), ...more })).create(
    'team',
    world.deps,
  )
}

async function failureOf(action: Promise<unknown> | (() => unknown)) {
  try {
    await (typeof action === 'function' ? action() : action)
  } catch (error) {
    assert.ok(error instanceof CertloomError, String(error))
    return error.failure
  }
  return assert.fail('it should have failed')
}

async function assertFails(action: Promise<unknown> | (() => unknown), code: FailureCode, message: RegExp) {
  const failure = await failureOf(action)
  assert.equal(failure.code, code)
  assert.match(failure.message, message)
}

providerContract('the exec provider', async () => {
  const own = await openPluginWorld()
  const secret = 'a-very-secret-token'
  own.secrets.set('team/dns/config', JSON.stringify({ url: own.dns.url, token: secret }))
  const config = { plugin: 'fixture-dns', secretRef: { name: 'dns', key: 'config' } }
  return {
    provider: findDnsProvider(webhook(config)).create('team', own.deps),
    deps: own.deps,
    secrets: [secret, own.dns.url],
    values: async (fqdn) => own.dns.values.get(fqdn) ?? [],
    close: own.close,
  }
})

describe('the call of an exec plugin', () => {
  interface Seen {
    env: Record<string, string>
    argv: string[]
    cwd: string
    stdin: string
    leadsGroup: boolean
  }
  const dumped = async (): Promise<Seen> =>
    JSON.parse(await readFile(join(world.directory, 'dump'), 'utf8')) as Seen
  const stdin = () => `  ${JSON.stringify({ dump: join(world.directory, 'dump') })}\r\n\n`

  it('gives CREATE exactly the five variables, the bytes of the Secret on stdin and no argument', async () => {
    await provider('strict', stdin()).present(record, callContext())
    const seen = await dumped()
    const { fqdn, domain, value } = record
    assert.deepEqual(seen.env, {
      APIVERSION: 'v1',
      COMMAND: 'CREATE',
      DOMAIN: domain,
      FQDN: fqdn,
      TOKEN: value,
    })
    assert.deepEqual(seen.argv, [])
    assert.equal(seen.cwd, '/')
    assert.equal(Buffer.from(seen.stdin, 'base64').toString(), stdin())
    assert.equal(seen.leadsGroup, true)
  })

  it('gives DELETE the same record and the same stdin', async () => {
    const strict = provider('strict', stdin())
    await cleanUpRecord(strict.plan(record), world.deps, callContext())
    const seen = await dumped()
    const { fqdn, domain, value } = record
    assert.deepEqual(seen.env, {
      APIVERSION: 'v1',
      COMMAND: 'DELETE',
      DOMAIN: domain,
      FQDN: fqdn,
      TOKEN: value,
    })
    assert.equal(Buffer.from(seen.stdin, 'base64').toString(), stdin())
  })

  it('adds the trailing dot to FQDN and takes the wildcard from DOMAIN', () => {
    const plan = provider('strict').plan({
      ...record,
      fqdn: '_acme-challenge.example.com',
      domain: '*.example.com',
    })
    assert.deepEqual([plan.fqdn, plan], [record.fqdn, { ...plan, domain: 'example.com' }])
  })

  it('names the zone of the record as DOMAIN when a CNAME leads out of the identifier', () => {
    const elsewhere = { ...record, fqdn: 'token.acme.example.net.' }
    const known = provider('strict').plan({ ...elsewhere, zone: 'example.net.' })
    assert.deepEqual(known, { ...known, domain: 'example.net' })
    const unknown = provider('strict').plan(elsewhere)
    assert.deepEqual(unknown, { ...unknown, domain: 'acme.example.net' })
  })

  it('leaves stdin empty without secretRef', async () => {
    await assertFails(
      provider('fixture-dns').present(record, callContext()),
      'PluginConfigInvalid',
      /not valid JSON/,
    )
  })
})

describe('the end of an exec plugin', () => {
  const wish = (text: string) => provider('exit', `${text}\n`).present(record, callContext())
  const said = 'first line: the provider said no'

  it('is a success with exit code 0, whatever stands on stderr', async () => {
    await wish('0')
  })

  const codes: [string, FailureCode][] = [
    ['1', 'PluginFailed'],
    ['2', 'PluginConfigInvalid'],
    ['3', 'PluginVersionUnsupported'],
    ['42', 'PluginFailed'],
  ]
  for (const [exitCode, code] of codes) {
    it(`is ${code} with exit code ${exitCode} and the first line of stderr`, async () => {
      const failure = await failureOf(wish(exitCode))
      const message = `plugin "exit" ended CREATE with exit code ${exitCode}: ${said}`
      assert.deepEqual(failure, { code, message })
    })
  }

  it('is PluginFailed naming the signal that killed it', async () => {
    await assertFails(
      wish('SEGV'),
      'PluginFailed',
      /^plugin "exit" was ended by SIGSEGV at CREATE: first line/,
    )
  })

  it('says so when the plugin printed nothing', async () => {
    await assertFails(
      provider('silent', 'unread '.repeat(100_000)).present(record, callContext()),
      'PluginVersionUnsupported',
      /^plugin "silent" ended CREATE with exit code 3 and said nothing on stderr$/,
    )
  })

  it('fails the clean-up too, which is to be tried again', async () => {
    const plan = provider('exit', '1\n').plan(record)
    await assertFails(
      cleanUpRecord(plan, world.deps, callContext()),
      'PluginFailed',
      /ended DELETE with exit code 1/,
    )
  })

  it('survives ten megabytes on stdout and stderr', async () => {
    const before = process.memoryUsage().rss
    await assertFails(
      provider('flood').present(record, callContext()),
      'PluginFailed',
      /exit code 1: flooded$/,
    )
    assert.ok(process.memoryUsage().rss - before < 50 * 1024 * 1024)
  })
})

describe('secrets of an exec plugin', () => {
  const token = 'tok+en/w1th"quotes\\and-more'
  const contents: Record<string, string> = {
    'of a JSON document': JSON.stringify({
      part: 'and-more',
      token,
      nested: [{ password: 'hunter-hunter' }],
    }),
    'of a JSON document over several lines': JSON.stringify(
      { token, nested: { password: 'hunter-hunter' } },
      null,
      2,
    ),
    'of lines': `token=${token}\npassword: hunter-hunter\n`,
    'of a single value': token,
  }
  for (const [which, content] of Object.entries(contents)) {
    it(`${which} do not appear in the message of a plugin that prints them`, async () => {
      const { message } = await failureOf(provider('leak', content).present(record, callContext()))
      assert.match(message, /cannot log in with \[secret\]/)
      const forms = [
        token,
        'hunter',
        'tok+en',
        Buffer.from(token).toString('base64').slice(4, 20),
        'quotes',
        '\u001b',
      ]
      for (const form of forms) assert.ok(!message.includes(form), `${form} in ${message}`)
    })
  }

  it('cut in two by the limit of stderr do not appear either', async () => {
    const secret = 'S3cr3t-'.repeat(1500)
    const { message } = await failureOf(provider('leak', secret).present(record, callContext()))
    for (const form of ['S3cr3t', Buffer.from(secret).toString('base64').slice(0, 12)]) {
      assert.ok(!message.includes(form), message)
    }
  })
})

describe('an exec plugin that hangs', () => {
  const pidFile = () => join(world.directory, `pids-${Math.random()}`)

  it('is killed with its children after timeoutSeconds', async () => {
    const pids = pidFile()
    const hang = provider('hang', JSON.stringify({ pids }), { timeoutSeconds: 2 })
    await assertFails(
      hang.present(record, callContext()),
      'PluginTimedOut',
      /"hang" ran CREATE for more than 2 s/,
    )
    await until('plugin and child have ended', () => !readPids(pids).some(isRunning))
  })

  it('is killed with its children when the call is aborted, and the reason comes through', async () => {
    const pids = pidFile()
    const abort = new AbortController()
    const hang = provider('hang', JSON.stringify({ pids }))
    const ended = assert.rejects(hang.present(record, callContext({ signal: abort.signal })), /cancelled/)
    await until('the plugin runs', () => existsSync(pids))
    abort.abort(new Error('cancelled'))
    await ended
    await until('plugin and child have ended', () => !readPids(pids).some(isRunning))
  })

  it('shows its life by heartbeats', async () => {
    const abort = new AbortController()
    const hang = provider('hang', JSON.stringify({ pids: pidFile() }))
    const heartbeat = () => abort.abort(new Error('seen alive'))
    await assert.rejects(hang.present(record, callContext({ signal: abort.signal, heartbeat })), /seen alive/)
  })
})

describe('DELETE before CREATE', () => {
  const commands = (requests: string[]) => requests.map((request) => request.split(' ')[0])
  const settings = () => JSON.stringify({ url: world.dns.url })

  it('does not happen by default', async () => {
    world.dns.requests.length = 0
    await provider('fixture-dns', settings()).present(record, callContext())
    assert.deepEqual(commands(world.dns.requests), ['/set-txt'])
  })

  it('happens with deleteFirst', async () => {
    world.dns.requests.length = 0
    await provider('fixture-dns', settings(), { deleteFirst: true }).present(record, callContext())
    assert.deepEqual(commands(world.dns.requests), ['/clear-txt', '/set-txt'])
  })

  it('happens when an earlier try may have got through', async () => {
    world.dns.requests.length = 0
    await provider('fixture-dns', settings()).present(record, callContext({ again: true }))
    assert.deepEqual(commands(world.dns.requests), ['/clear-txt', '/set-txt'])
  })

  it('may fail without failing the CREATE', async () => {
    const script = '#!/bin/sh\n[ "$COMMAND" = CREATE ]\n'
    await writeFile(join(world.directory, 'create-only'), script, { mode: 0o755 })
    await provider('create-only', undefined, { deleteFirst: true }).present(record, callContext())
  })
})

describe('the file of an exec plugin', () => {
  const install = (name: string, content: string | Buffer, mode = 0o755) =>
    writeFile(join(world.directory, name), content).then(() => chmod(join(world.directory, name), mode))
  const assertNotReady = async (name: string, code: FailureCode, message: RegExp) => {
    await assertFails(provider(name).ready(), code, message)
    await assertFails(provider(name).present(record, callContext()), code, message)
  }

  it('has to be in the plugin directory', async () => {
    await assertNotReady(
      'nothing',
      'PluginMissing',
      /plugin "nothing" is not in the plugin directory .*ENOENT/,
    )
  })

  it('has to be in a directory that exists', async () => {
    const deps = { ...world.deps, pluginDirectory: join(world.directory, 'absent') }
    const absent = findDnsProvider(webhook({ plugin: 'strict' })).create('team', deps)
    await assertFails(absent.ready(), 'PluginMissing', /the plugin directory .* cannot be opened/)
  })

  it('has to be executable', async () => {
    await install('plain', '#!/bin/sh\n', 0o644)
    await assertNotReady('plain', 'PluginNotExecutable', /"plain" has no execute permission/)
  })

  it('may not be writable by group or others', async () => {
    await install('shared', '#!/bin/sh\n', 0o775)
    await assertNotReady(
      'shared',
      'PluginNotExecutable',
      /can be written by others than its owner \(mode 0775\)/,
    )
    await install('open', '#!/bin/sh\n', 0o757)
    await assertNotReady('open', 'PluginNotExecutable', /can be written by others/)
  })

  it('has to be a regular file', async () => {
    await mkdir(join(world.directory, 'folder'))
    await assertNotReady('folder', 'PluginNotExecutable', /is a directory/)
  })

  it('may be a link inside the directory, as in a mounted ConfigMap', async () => {
    await mkdir(join(world.directory, '..data'))
    await install('..data/linked', '#!/bin/sh\nexit 0\n')
    await symlink('..data/linked', join(world.directory, 'linked'))
    await provider('linked').ready()
    await provider('linked').present(record, callContext())
  })

  it('may not be a link that leaves the directory', async () => {
    await symlink('/bin/sh', join(world.directory, 'escape'))
    await assertNotReady('escape', 'PluginNotExecutable', /is a link that leaves the plugin directory/)
  })

  it('may not be a link to nothing', async () => {
    await symlink('gone', join(world.directory, 'dangling'))
    await assertNotReady('dangling', 'PluginMissing', /"dangling" is not in the plugin directory/)
  })

  it('has to name an interpreter that exists', async () => {
    await install('orphan', '#!/no/such/interpreter -x\n')
    await assertNotReady(
      'orphan',
      'PluginNotExecutable',
      /names the interpreter \/no\/such\/interpreter, which is not there/,
    )
  })

  it('may not have Windows line ends', async () => {
    await install('windows', '#!/bin/sh\r\nexit 0\r\n')
    await assertNotReady('windows', 'PluginNotExecutable', /Windows line ends/)
  })

  it('has to be a program or begin with #!, since no shell guesses', async () => {
    await install('guess', 'exit 0\n')
    await assertNotReady('guess', 'PluginNotExecutable', /neither a program nor a script/)
    await install('empty', '')
    await assertNotReady('empty', 'PluginNotExecutable', /is an empty file/)
  })

  it('has to be a program for this processor', async () => {
    const program = Buffer.alloc(64)
    program.write('\u007fELF', 'latin1')
    program.writeUInt16LE(process.arch === 'x64' ? 183 : 62, 18)
    await install('foreign', program)
    await assertNotReady('foreign', 'PluginNotExecutable', /for another processor/)
  })

  it('has to have its dynamic loader, or the message says what the system could not find', async () => {
    const program = await readFile('/bin/sh')
    program.write('/xx-', program.indexOf('/ld-'), 'latin1')
    await install('unloadable', program)
    await assertFails(
      provider('unloadable').present(record, callContext()),
      'PluginNotExecutable',
      /"unloadable" cannot be started: its interpreter or dynamic loader does not exist/,
    )
  })

  it('may be a program without script', async () => {
    await copyFile('/bin/sh', join(world.directory, 'program'))
    await chmod(join(world.directory, 'program'), 0o755)
    await provider('program', 'exit 0').present(record, callContext())
    await assertFails(
      provider('program', 'exit 2').present(record, callContext()),
      'PluginConfigInvalid',
      /exit code 2/,
    )
  })
})

describe('readiness of an exec solver', () => {
  it('needs the Secret', async () => {
    const config = { plugin: 'strict', secretRef: { name: 'absent', key: 'config' } }
    const strict = findDnsProvider(webhook(config)).create('team', world.deps)
    await assertFails(strict.ready(), 'SecretNotFound', /team\/absent/)
  })

  it('reads the Secret where the issuer keeps its Secrets', async () => {
    world.secrets.set('cluster-resources/dns/config', '0\n')
    const config = { plugin: 'exit', secretRef: { name: 'dns', key: 'config' } }
    const exit = findDnsProvider(webhook(config)).create('cluster-resources', world.deps)
    await exit.ready()
    const handle = await exit.present(record, callContext())
    assert.deepEqual(handle, {
      ...handle,
      secretRef: { namespace: 'cluster-resources', name: 'dns', key: 'config' },
    })
  })
})

describe('the registry', () => {
  const refused: [string, unknown, FailureCode, RegExp][] = [
    [
      'a missing configuration',
      webhook(undefined),
      'InvalidSpec',
      /^spec\.acme\.solvers\[\]\.dns01\.webhook\.config: is required$/,
    ],
    ['a missing plugin', webhook({}), 'InvalidSpec', /dns01\.webhook\.config\.plugin: is required$/],
    [
      'a path as plugin',
      webhook({ plugin: '../sh' }),
      'InvalidSpec',
      /config\.plugin: must be a file name .*not a path/,
    ],
    [
      'an absolute path as plugin',
      webhook({ plugin: '/bin/sh' }),
      'InvalidSpec',
      /config\.plugin: .*not a path/,
    ],
    ['a nested plugin', webhook({ plugin: 'a/b' }), 'InvalidSpec', /config\.plugin: .*not a path/],
    ['a backslash in the plugin', webhook({ plugin: 'a\\b' }), 'InvalidSpec', /config\.plugin: .*not a path/],
    [
      'the parent directory as plugin',
      webhook({ plugin: '..' }),
      'InvalidSpec',
      /config\.plugin: .*not a directory/,
    ],
    [
      'the directory itself as plugin',
      webhook({ plugin: '.' }),
      'InvalidSpec',
      /config\.plugin: .*not a directory/,
    ],
    ['an empty plugin', webhook({ plugin: '' }), 'InvalidSpec', /config\.plugin: must not be empty/],
    [
      'a NUL in the plugin',
      webhook({ plugin: 'sh\0' }),
      'InvalidSpec',
      /config\.plugin: must not have control/,
    ],
    [
      'a long plugin',
      webhook({ plugin: 'ü'.repeat(128) }),
      'InvalidSpec',
      /config\.plugin: must have at most 255 bytes/,
    ],
    [
      'a timeout of 0',
      webhook({ plugin: 'x', timeoutSeconds: 0 }),
      'InvalidSpec',
      /config\.timeoutSeconds: must be between/,
    ],
    [
      'a timeout of 601',
      webhook({ plugin: 'x', timeoutSeconds: 601 }),
      'InvalidSpec',
      /config\.timeoutSeconds: must be/,
    ],
    [
      'a timeout in words',
      webhook({ plugin: 'x', timeoutSeconds: '60' }),
      'InvalidSpec',
      /config\.timeoutSeconds: .*number/,
    ],
    [
      'a Secret without key',
      webhook({ plugin: 'x', secretRef: { name: 'a' } }),
      'InvalidSpec',
      /config\.secretRef\.key: is required/,
    ],
    [
      'a Secret of another namespace',
      webhook({ plugin: 'x', secretRef: { namespace: 'b', name: 'a', key: 'k' } }),
      'InvalidSpec',
      /secretRef\.namespace: is not a known field/,
    ],
    [
      'a Secret name that is a path',
      webhook({ plugin: 'x', secretRef: { name: '../a', key: 'k' } }),
      'InvalidSpec',
      /secretRef\.name: must be the name/,
    ],
    [
      'a misspelt field',
      webhook({ plugin: 'x', timeout: 5 }),
      'InvalidSpec',
      /webhook\.config\.timeout: is not a known field$/,
    ],
    [
      'two providers',
      { ...webhook({ plugin: 'x' }), route53: {} },
      'InvalidSpec',
      /names webhook and route53/,
    ],
    [
      'no provider',
      { cnameStrategy: 'Follow' },
      'InvalidSpec',
      /names no provider; known: dns01\.webhook with groupName certloom\.dev/,
    ],
    ['text', 'exec', 'InvalidSpec', /dns01: must be an object/],
    [
      'another solver of ours',
      { webhook: { groupName: 'certloom.dev', solverName: 'exce' } },
      'UnsupportedSolver',
      /solverName "exce" is not served; known: .*solverName exec/,
    ],
    [
      'the solver of another group',
      { webhook: { groupName: 'acme.example.org', solverName: 'exec' } },
      'UnsupportedSolver',
      /groupName "acme\.example\.org"/,
    ],
    [
      'another provider',
      { cnameStrategy: 'None', route53: { region: 'x' } },
      'UnsupportedSolver',
      /dns01: route53 is not served; known: /,
    ],
  ]
  for (const [which, dns01, code, message] of refused) {
    it(`refuses ${which}`, () => assertFails(() => findDnsProvider(dns01), code, message))
  }

  it('names the path that the caller knows', () =>
    assertFails(
      () => findDnsProvider(webhook({}), 'spec.acme.solvers[2].dns01'),
      'InvalidSpec',
      /^spec\.acme\.solvers\[2\]\.dns01\.webhook/,
    ))

  it('takes the defaults for what is not written', () => {
    const plan = provider('strict').plan(record)
    assert.deepEqual(plan, { v: 1, kind: 'exec', plugin: 'strict', timeoutSeconds: 60, ...record })
  })

  it('refuses to clean up a record of an unknown kind', () =>
    assertFails(
      cleanUpRecord({ v: 1, kind: 'carrier-pigeon' }, world.deps, callContext()),
      'UnsupportedSolver',
      /"carrier-pigeon"/,
    ))

  it('refuses a handle whose plugin is a path', () =>
    assertFails(
      cleanUpRecord({ ...provider('strict').plan(record), plugin: '../sh' }, world.deps, callContext()),
      'Internal',
      /handle\.plugin: must be a file name/,
    ))
})

describe('the example plugin', () => {
  const present = (config: object | string, more: object = {}) =>
    provider('fixture-dns', typeof config === 'string' ? config : JSON.stringify(config), more).present(
      record,
      callContext(),
    )

  it('deletes every value at the name', async () => {
    world.dns.values.set(record.fqdn, ['of somebody else'])
    await present({ url: world.dns.url })
    assert.deepEqual(world.dns.values.get(record.fqdn), ['of somebody else', record.value])
    const plan = provider('fixture-dns', JSON.stringify({ url: world.dns.url })).plan(record)
    await cleanUpRecord(plan, world.deps, callContext())
    assert.equal(world.dns.values.has(record.fqdn), false)
  })

  it('sends its token and appends each call to its log', async () => {
    const log = join(world.directory, 'calls.jsonl')
    await present({ url: world.dns.url, token: 'open-sesame', log })
    assert.equal(world.dns.authorization, 'Bearer open-sesame')
    const lines = (await readFile(log, 'utf8')).trim().split('\n')
    const call = JSON.parse(lines[0] ?? '') as Record<string, string>
    assert.equal(lines.length, 1)
    assert.deepEqual(
      [call.command, call.domain, call.fqdn, call.token, call.exitCode],
      ['CREATE', record.domain, record.fqdn, record.value, 0],
    )
    assert.ok(Date.parse(call.at ?? '') <= Date.parse(call.endedAt ?? ''))
  })

  it('refuses an unknown APIVERSION and an unknown COMMAND with one line on stderr', async () => {
    const stdin = Buffer.from(JSON.stringify({ url: world.dns.url }))
    const run = (APIVERSION: string, COMMAND: string) => {
      const env = { APIVERSION, COMMAND, DOMAIN: record.domain, FQDN: record.fqdn, TOKEN: record.value }
      return spawnChild({
        file: join(world.directory, 'fixture-dns'),
        env,
        cwd: '/',
        stdin,
        timeoutMs: 10_000,
      })
    }
    const version = await run('v2', 'CREATE')
    assert.equal(version.exitCode, 3)
    assert.equal(version.stderr.bytes.toString(), 'APIVERSION "v2" is not supported, only v1\n')
    const command = await run('v1', 'create')
    assert.equal(command.exitCode, 1)
    assert.equal(command.stderr.bytes.toString(), 'unknown COMMAND "create"\n')
  })

  it('refuses a configuration without url', () =>
    assertFails(present({}), 'PluginConfigInvalid', /exit code 2: the configuration needs "url"/))

  it('does not quote a configuration that is not JSON', () =>
    assertFails(
      present('Broken secret'),
      'PluginConfigInvalid',
      /: the configuration on stdin is not valid JSON$/,
    ))

  it('fails when the name server refuses, and when it is not there', async () => {
    world.dns.refuseWith = 503
    await assertFails(
      present({ url: world.dns.url }),
      'PluginFailed',
      /exit code 1: \/set-txt: the name server answered 503/,
    )
    world.dns.refuseWith = undefined
    await assertFails(
      present({ url: 'http://127.0.0.1:1' }),
      'PluginFailed',
      /exit code 1: \/set-txt: .*ECONNREFUSED/,
    )
  })
})
