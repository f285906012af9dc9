import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { World, TEMPORAL_NAMESPACE } from '../support/world.ts'
import { certificateId, runsOf, statusOf, untilPhase } from '../certificate/support/operator.ts'

// The commands of docs/operations.md, as they stand there, in a shell. Only names are replaced: `demo` by a namespace and
// `pebble` by an issuer of this test.
let world: World
let namespace: string
let issuer: string
let commands: string[]
let environment: Record<string, string>

before(async () => {
  world = await World.open()
  await world.startController()
  namespace = await world.namespace('operations')
  issuer = `${namespace}-issuer`
  commands = await documented()
  environment = await shell()
  await world.apply('ClusterIssuer', { metadata: { name: issuer }, spec: { selfSigned: {} } })
  for (const name of ['site', 'blog']) await certificate(name, issuer)
  await certificate('shop', 'nowhere')
  await Promise.all(
    ['site', 'blog'].map((name) => world.ready(namespace, name, { revision: 1, seconds: 60 })),
  )
  await untilPhase(world, namespace, 'shop', 'Blocked')
})

after(async () => {
  await world.remove('ClusterIssuer', undefined, issuer)
  await world.close()
})

test('what is stuck is found, and nothing else', async () => {
  const blocked = await untilPrints(command('workflow list', 'Blocked'), certificateId(namespace, 'shop'))
  assert.ok(!blocked.includes(certificateId(namespace, 'site')), blocked)
})

test('every certificate stands in the list of all', async () => {
  const list = command('workflow list', 'ExecutionStatus="Running"', '"certificate"')
  for (const name of ['site', 'shop', 'blog']) await untilPrints(list, certificateId(namespace, name))
})

test('the details say why it is stuck, in Temporal and in the object', async () => {
  assert.match(await run(command('workflow metadata')), /nowhere/)
  assert.match(await run(command('kubectl', 'describe')), /Stalled[\s\S]*nowhere/)
})

test('the workflow answers what it is doing, what comes next and what it tried', async () => {
  assert.match(await run(command('query', '--type status')), /Waiting/)
  assert.match(await run(command('query', '--type plan')), /Renew at /)
  assert.match(await run(command('query', '--type attempts')), /issued/)
})

test('one is renewed by signal and by update', async () => {
  await run(command('signal -w', '--name renew'))
  await world.ready(namespace, 'site', { revision: 2 })
  await untilPhase(world, namespace, 'site', 'Waiting')
  await run(command('update execute', 'renewNow'))
  await world.ready(namespace, 'site', { revision: 3 })
})

test('all of an issuer are renewed with one command', async () => {
  await untilPhase(world, namespace, 'site', 'Waiting')
  const text = command('signal --query', 'CertIssuer', '--name renew')
  // The list is a moment behind the workflows, and a batch takes what the list holds when it begins.
  const [, query = ''] = /--query '([^']*)'/.exec(text) ?? []
  await world.until(
    'the list holds both',
    20,
    async () => (await world.temporal.workflow.count(query)).count === 2,
  )
  await run(text)
  await world.ready(namespace, 'site', { revision: 4, seconds: 60 })
  await world.ready(namespace, 'blog', { revision: 2, seconds: 60 })
})

test('one is paused and set going again, by signal and by annotation', async () => {
  const pauses = [
    [command('signal -w', '--name pause'), command('--name pause --input', 'false')],
    [command('certloom.dev/paused=true'), command('certloom.dev/paused-')],
  ]
  for (const [pause = '', go = ''] of pauses) {
    await run(pause)
    await untilPhase(world, namespace, 'site', 'Paused')
    await run(go)
    await untilPhase(world, namespace, 'site', 'Waiting')
  }
})

test('refresh begins a new run of each and issues nothing', async () => {
  const before = await runsOf(world, certificateId(namespace, 'blog'))
  const { revision } = await statusOf(world, namespace, 'blog')
  // Elsewhere on these servers other tests count the runs of their workflows.
  const mine = `CertNamespace="${namespace}" AND WorkflowType IN`
  await run(command('signal --query', '--name refresh').replace('WorkflowType IN', mine))
  await world.until('a next run', 60, async () => {
    return (await runsOf(world, certificateId(namespace, 'blog'))).length > before.length
  })
  assert.equal((await untilPhase(world, namespace, 'blog', 'Waiting')).revision, revision)
})

/** The lines of all shell blocks. */
async function documented(): Promise<string[]> {
  const page = await readFile(new URL('../../../docs/operations.md', import.meta.url), 'utf8')
  const lines = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = '']) =>
    block.trim().split('\n'),
  )
  assert.ok(lines.length > 10, 'the page shows commands')
  return lines.map((line) =>
    line
      .replaceAll('certificate/demo/', `certificate/${namespace}/`)
      .replaceAll('-n demo ', `-n ${namespace} `)
      .replaceAll('ClusterIssuer/pebble', `ClusterIssuer/${issuer}`),
  )
}

/** The first command of the page that holds all of the texts. */
function command(...texts: string[]): string {
  const found = commands.find((line) => texts.every((text) => line.includes(text)))
  assert.ok(found, `docs/operations.md shows no command with ${texts.join(' and ')}`)
  return found
}

async function shell(): Promise<Record<string, string>> {
  const bin = join(world.folder, 'bin')
  await mkdir(bin)
  await symlink(world.servers.temporal.cliPath, join(bin, 'temporal'))
  assert.ok(world.servers.kubectlPath)
  await symlink(world.servers.kubectlPath, join(bin, 'kubectl'))
  return { ...world.servers.env(), TEMPORAL_NAMESPACE, HOME: world.folder, PATH: `${bin}:/usr/bin:/bin` }
}

async function run(text: string): Promise<string> {
  const options = { env: environment, timeout: 60_000, killSignal: 'SIGKILL' as const }
  const { stdout, stderr } = await promisify(execFile)('/bin/sh', ['-c', `${text} < /dev/null`], options)
  return stdout + stderr
}

function untilPrints(text: string, wanted: string): Promise<string> {
  return world.until(`“${text}” prints ${wanted}`, 30, async () => {
    // Shorter columns than the id would cut it.
    const printed = await run(`${text} --output json`)
    return printed.includes(`"${wanted}"`) && printed
  })
}

async function certificate(name: string, issuerName: string): Promise<void> {
  const issuerRef = { kind: 'ClusterIssuer', name: issuerName }
  await world.certificate(namespace, name, { dnsNames: [`${name}.test`], issuerRef })
}
