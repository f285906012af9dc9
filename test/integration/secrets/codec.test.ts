import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { after, before, test } from 'node:test'
import { Client, Connection } from '@temporalio/client'
import proto from '@temporalio/proto'
import { setup } from '../../../cli/setup/setup.ts'
import type { StatusAnswer } from '../../../workflows/messages.ts'
import { certificateId, issuerReady, temporalCliIn } from '../certificate/support/operator.ts'
import type { Controller } from '../support/controller.ts'
import { World } from '../support/world.ts'
import { Marks } from './support/marks.ts'
import { controllerLogs, database, search, serverLogs, words } from './support/places.ts'

/** A Temporal namespace of this file's own: who has no key could not even list what is open here. */
const TEMPORAL_NAMESPACE = 'certloom-sealed'

const marks = new Marks()
const keys = new Map<string, string>()
let world: World
let temporal: Client
let namespace: string
let file: string
let controller: Controller
let issuer: string

before(async () => {
  world = await World.open()
  const { address } = world.servers.temporal
  await setup({
    temporal: { address, namespace: TEMPORAL_NAMESPACE },
    log: () => undefined,
    retentionDays: 1,
    crds: false,
    policies: false,
    rbac: false,
    leaseNamespace: 'kube-system',
  })
  const connection = await Connection.connect({ address })
  world.defer(() => connection.close())
  temporal = new Client({ connection, namespace: TEMPORAL_NAMESPACE })
  file = join(world.folder, 'payload-keys')
  namespace = await world.namespace('codec')
  issuer = `codec-${process.pid}`
})

after(() => world.close())

/** Writes the key file anew, as a person or a mounted Secret does; keys are made once per id. */
async function useKeys(...ids: string[]): Promise<void> {
  for (const id of ids) {
    if (keys.has(id)) continue
    const key = randomBytes(32)
    marks.add(`codec key ${id}`, key)
    keys.set(id, key.toString('base64'))
  }
  await writeFile(`${file}.new`, ids.map((id) => `${id} ${keys.get(id)}\n`).join(''), { mode: 0o600 })
  await rename(`${file}.new`, file)
}

function start(settings: Record<string, string> = { CERTLOOM_PAYLOAD_KEYS_FILE: file }): Promise<Controller> {
  return world.startController('all', { TEMPORAL_NAMESPACE, ...settings })
}

/** The temporal program as an operator types it. */
function cli(...args: string[]): Promise<string> {
  return temporalCliIn(world, TEMPORAL_NAMESPACE, ...args)
}

/** Encodings and key ids of all payloads of the newest run, but for what no codec sees: attributes, the SDK's own notes. */
async function encodings(name: string): Promise<Set<string>> {
  const history = await temporal.workflow.getHandle(certificateId(namespace, name)).fetchHistory()
  const found = new Set<string>()
  const walk = (value: unknown, key = ''): void => {
    // "data": what the SDK itself notes of a local activity in its marker, its type and times.
    if (typeof value !== 'object' || value === null || key === 'searchAttributes' || key === 'data') return
    if (value instanceof Uint8Array) return
    const metadata = (value as { metadata?: Record<string, Uint8Array> }).metadata
    if (metadata?.['encoding'] !== undefined) {
      const [encoding, id] = [metadata['encoding'], metadata['encryption-key-id']].map((one) =>
        Buffer.from(one ?? []).toString(),
      )
      found.add(id === '' ? (encoding ?? '') : `${encoding} ${id}`)
    }
    for (const [name, inner] of Object.entries(value)) walk(inner, name)
  }
  walk(history.events)
  return found
}

/** The JSON of the temporal program with all that is base64 in it as text besides. */
function readable(json: string): string {
  const decoded = [...json.matchAll(/"([A-Za-z0-9+/]{8,}={0,2})"/g)].map(([, base64 = '']) =>
    Buffer.from(base64, 'base64').toString('latin1'),
  )
  return [json, ...decoded].join('\n')
}

/** How many signals the newest run has had. */
async function signals(name: string): Promise<number> {
  const { events } = await temporal.workflow.getHandle(certificateId(namespace, name)).fetchHistory()
  const { EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: signaled } = proto.temporal.api.enums.v1.EventType
  return (events ?? []).filter(({ eventType }) => eventType === signaled).length
}

/** Waits until the workflow has worked off what it was told. */
async function waiting(name: string): Promise<void> {
  await world.until(`${name} waits`, 60, async () => {
    // The raw call: the client's own would decode the memo.
    const described = await temporal.workflowService.describeWorkflowExecution({
      namespace: TEMPORAL_NAMESPACE,
      execution: { workflowId: certificateId(namespace, name) },
    })
    return described.pendingActivities.length === 0 && described.pendingWorkflowTask == null
  })
}

test('a certificate that was issued without encryption is renewed with it, by a signal that nobody encrypted', async () => {
  controller = await start({})
  await world.fixturePlugin(issuer)
  await world.acmeIssuer(issuer, { plugin: issuer })
  await world.apply('Issuer', { metadata: { namespace, name: 'self' }, spec: { selfSigned: {} } })
  await issuerReady(world, namespace, 'self')
  await world.certificate(namespace, 'web', { dnsNames: ['web.test'], issuerRef: { name: 'self' } })
  await world.ready(namespace, 'web', { revision: 1, seconds: 60 })
  // Ready is said within the last step: no part of this issuance is left to the controller that has a key.
  await world.until('the workflow waits', 30, async () => {
    const handle = temporal.workflow.getHandle(certificateId(namespace, 'web'))
    return (await handle.query<StatusAnswer>('status')).phase === 'Waiting'
  })
  assert.ok((await encodings('web')).has('json/plain'))
  await controller.stop()

  await useKeys('first')
  controller = await start()
  await cli(
    'workflow',
    'signal',
    '-w',
    certificateId(namespace, 'web'),
    '--name',
    'renew',
    '--input',
    '{"reason":"sealed"}',
  )
  await world.ready(namespace, 'web', { revision: 2, seconds: 60 })
})

test('everything that a run holds is encrypted: arguments, results, memo, summaries, the lock of a name', async () => {
  // Renewed once more, the run begins with the key.
  await cli('workflow', 'signal', '-w', certificateId(namespace, 'web'), '--name', 'renew')
  await world.ready(namespace, 'web', { revision: 3, seconds: 60 })
  const plugin = { issuerRef: { kind: 'ClusterIssuer', name: issuer } }
  await world.certificate(namespace, 'acme', { dnsNames: [`${issuer}.example.com`], ...plugin })
  await world.ready(namespace, 'acme', { revision: 1, seconds: 90 })
  const acme = await encodings('acme')
  assert.deepEqual([...acme], ['binary/encrypted first'])
  assert.ok(
    [...(await encodings('web'))].every((one) => one === 'binary/encrypted first' || one === 'binary/null'),
  )
})

test('a new key in the file is used without a restart, and what began with the old one goes on', async () => {
  await useKeys('second', 'first')
  await world.until('the new key encrypts', 60, async () => {
    await cli('workflow', 'signal', '-w', certificateId(namespace, 'acme'), '--name', 'changed')
    return (await encodings('acme')).has('binary/encrypted second')
  })
  await cli('workflow', 'signal', '-w', certificateId(namespace, 'web'), '--name', 'renew')
  await world.ready(namespace, 'web', { revision: 4, seconds: 60 })
})

test('a restart of the bridge reads the encrypted memos and rings nobody', async () => {
  const names = ['web', 'acme']
  await Promise.all(names.map(waiting))
  const before = await Promise.all(names.map(signals))
  await controller.stop()
  controller = await start()
  await world.until('objects are compared', 60, async () =>
    (await controller.log()).includes('objects compared with open workflows'),
  )
  // A new certificate queues behind those that are there: when it is issued, they have been worked off.
  await world.certificate(namespace, 'last', { dnsNames: ['last.test'], issuerRef: { name: 'self' } })
  await world.ready(namespace, 'last', { revision: 1, seconds: 60 })
  assert.deepEqual(await Promise.all(names.map(signals)), before)
})

test('the codec server lets the temporal program show what is encrypted', async () => {
  const program = fileURLToPath(new URL('../../../cli/certloom.ts', import.meta.url))
  const flags = ['--port', '0', '--namespace', TEMPORAL_NAMESPACE, '--keys-file', file]
  const server = spawn(process.execPath, [program, 'codec-server', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(server, 'exit')
  try {
    const said = once(createInterface({ input: server.stdout }), 'line')
    const [line = ''] = (await Promise.race([said, ended.then(() => [])])) as string[]
    const [, url] = / at (\S+)$/.exec(line) ?? []
    assert.ok(url !== undefined, `the codec server said: ${line}`)
    const show = ['workflow', 'show', '-w', certificateId(namespace, 'acme'), '--output', 'json']
    const summary = `Certificate ${namespace}/acme`
    const sealed = await cli(...show)
    assert.match(sealed, /WORKFLOW_EXECUTION_STARTED/)
    assert.ok(!readable(sealed).includes(summary), 'readable without the codec server')
    const open = readable(await cli(...show, '--codec-endpoint', url))
    assert.ok(open.includes(summary), open.slice(0, 2000))
    assert.ok(!open.includes('binary/encrypted'), 'not all is decoded')
  } finally {
    server.kill('SIGTERM')
    await ended
  }
})

test('without its key nothing is guessed: worker and bridge name the key that is missing and go on when it is there', async () => {
  await controller.stop()
  await useKeys('third')
  controller = await start()
  const missing =
    /encrypted with the key \\"(first|second)\\", which \S+ does not hold \(it holds third\): add that key/
  await cli('workflow', 'signal', '-w', certificateId(namespace, 'web'), '--name', 'renew')
  await world.until('bridge and worker say so', 90, async () => {
    const lines = (await controller.log()).split('\n').filter((line) => missing.test(line))
    return (
      lines.some((line) => line.includes('open workflows cannot be listed')) &&
      lines.some((line) => line.includes('"sdkComponent":"worker"') && line.includes('"runId"'))
    )
  })
  await useKeys('third', 'second', 'first')
  await world.ready(namespace, 'web', { revision: 5, seconds: 120 })
})

test('no key of the codec stands in a log or in the database', async () => {
  const searched = await search(marks, [database(world), controllerLogs(world), serverLogs(world)])
  for (const { name, bytes } of searched) assert.ok(bytes > 0, name)
  assert.deepEqual(words(searched), [])
})
