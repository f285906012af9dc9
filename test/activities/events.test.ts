import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KubernetesError, type Kubernetes } from '../../activities/clients/kubernetes.ts'
import { Events } from '../../activities/events.ts'
import { recordingLogger } from '../bridge/support/harness.ts'

const subject = { kind: 'Challenge' as const, metadata: { name: 'web-1-1', namespace: 'shop', uid: 'uid-1' } }
const SCHEDULED = Date.UTC(2026, 0, 1)

const conflict = new KubernetesError({
  status: 409,
  reason: 'AlreadyExists',
  message: 'already exists',
  method: 'POST',
  path: '/api/v1/namespaces/shop/events',
})

interface Told {
  metadata: { name: string }
  reason: string
  message: string
}

/** An API server that keeps events, and refuses a name that is taken. */
function eventsOf() {
  const kept = new Map<string, Told>()
  const kubernetes = {
    create: async (_path: string, event: Told) => {
      if (kept.has(event.metadata.name)) throw conflict
      kept.set(event.metadata.name, event)
      return event
    },
  } as unknown as Kubernetes
  const log = recordingLogger()
  return {
    log,
    /** One try of a step that tells these events. */
    tell: async (step: string, ...told: [reason: string, message: string][]) => {
      const events = new Events(kubernetes, log, 'cert-manager-challenges', SCHEDULED, step)
      for (const [reason, message] of told) events.normal(subject, reason, message)
      await events.written()
    },
    /** As `kubectl get events` lists them. */
    reasons: () => [...kept.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { reason }]) => reason),
  }
}

test('a second run of a step that goes on where the first was killed tells what the first did not', async () => {
  const { tell, reasons } = eventsOf()
  await tell('present/web', ['Started', 'Challenge scheduled for processing'])
  await tell('present/web', ['Presented', 'Presented challenge'])
  assert.deepEqual(reasons(), ['Started', 'Presented'])
})

test('a second run of a step tells nothing twice', async () => {
  const { tell, reasons, log } = eventsOf()
  await tell('present/web', ['Started', 'scheduled'], ['Presented', 'presented'])
  await tell('present/web', ['Presented', 'presented'])
  assert.deepEqual(reasons(), ['Started', 'Presented'])
  assert.deepEqual(log.lines, [])
})

test('steps that are scheduled in one millisecond each tell of the same object', async () => {
  const { tell, reasons } = eventsOf()
  await tell('present/a.example.com', ['PluginFailed', 'the zone is locked'])
  await tell('present/b.example.com', ['PluginFailed', 'the zone is locked'])
  assert.deepEqual(reasons(), ['PluginFailed', 'PluginFailed'])
})

test('what one step tells is listed from its beginning to its end', async () => {
  for (let step = 0; step < 20; step++) {
    const { tell, reasons } = eventsOf()
    const told = ['Issuing', 'Generated', 'Requested']
    await tell(`${step}`, ...told.map((reason): [string, string] => [reason, `${reason} it`]))
    assert.deepEqual(reasons(), told)
  }
})
