import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { choosePorts } from '../../tools/servers/ports.ts'
import { serveHealth } from '../../workers/health.ts'
import { informerLoops } from '../../workers/probes.ts'
import type { Check } from '../../workers/telemetry/checks.ts'
import { recordingLogger } from '../bridge/support/harness.ts'
import { ask } from '../integration/metrics/support/scrape.ts'

const good: Check = { name: 'good', run: () => undefined }

async function listening(t: TestContext, ready: Check[], separate = false) {
  const ports = await choosePorts({ health: {}, metrics: {} })
  const health = `127.0.0.1:${ports.health}`
  const metrics = separate ? `127.0.0.1:${ports.metrics}` : health
  const served = { live: [good], ready, metrics: () => Promise.resolve('up 1\n'), metricsType: 'text/plain' }
  const listeners = await serveHealth({ health, metrics }, served, recordingLogger())
  t.after(() => listeners.close())
  return { health, metrics, served }
}

test('a failing check fails the answer, which says what is wrong, as does one that throws', async (t) => {
  const { health } = await listening(t, [
    good,
    { name: 'bad', run: () => 'the sky fell' },
    { name: 'worse', run: () => Promise.reject(new Error('no sky')) },
  ])
  assert.deepEqual(await ask(health, '/readyz'), {
    status: 503,
    text: '[+]good ok\n[-]bad failed: the sky fell\n[-]worse failed: no sky\nreadyz check failed\n',
  })
  assert.equal((await ask(health, '/readyz/good')).status, 200)
  assert.equal((await ask(health, '/healthz')).text, 'ok\n')
})

test('what is only shown neither fails nor delays a probe', async (t) => {
  let asked = 0
  const shown: Check = {
    name: 'shown',
    required: () => false,
    run: () => {
      asked += 1
      return 'away'
    },
  }
  const { health } = await listening(t, [good, shown])
  assert.deepEqual(await ask(health, '/readyz'), { status: 200, text: 'ok\n' })
  assert.equal(asked, 0)
  const { status, text } = await ask(health, '/readyz?verbose')
  assert.deepEqual(
    [status, text],
    [200, '[+]good ok\n[-]shown failed: away (shown only)\nreadyz check passed\n'],
  )
})

test('metrics and health keep to their own address where there are two', async (t) => {
  const { health, metrics } = await listening(t, [good], true)
  assert.equal((await ask(health, '/metrics')).status, 404)
  assert.equal((await ask(metrics, '/metrics')).text, 'up 1\n')
  assert.equal((await ask(metrics, '/readyz')).status, 404)
})

test('an address that is taken ends the start with an error that names the setting', async (t) => {
  const { health, served } = await listening(t, [good])
  await assert.rejects(
    serveHealth({ health: '', metrics: health }, served, recordingLogger()),
    /^Error: CERTLOOM_METRICS_ADDRESS: cannot listen at 127\.0\.0\.1:\d+: .*EADDRINUSE/,
  )
})

test('an informer that has ended or gives no sign of life for ten minutes makes the process unhealthy', async () => {
  const now = 10 * 60_000 + 5_000
  const health = {
    lists: 1,
    relists: 0,
    watches: 1,
    failures: 0,
    synced: true,
    objects: 0,
    handlerFailures: 0,
  }
  const reason = (one: { ended: boolean; lastSignAt: number }) =>
    informerLoops(
      () => [{ ...health, name: 'secrets', ...one }],
      () => now,
    ).run()
  assert.equal(await reason({ ended: false, lastSignAt: 10_000 }), undefined)
  assert.equal(await reason({ ended: false, lastSignAt: 1_000 }), 'no sign of life: secrets')
  assert.equal(await reason({ ended: true, lastSignAt: now }), 'no sign of life: secrets')
})
