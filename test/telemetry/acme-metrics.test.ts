import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AcmeExchange } from '../../activities/clients/acme.ts'
import { acmeMetrics } from '../../workers/telemetry/acme-metrics.ts'
import { MetricRegistry } from '../../workers/telemetry/registry.ts'

const request: AcmeExchange = {
  url: 'https://ca.example/new-order',
  method: 'POST',
  resource: 'newOrder',
  status: 201,
  seconds: 0.2,
}

test('a refusal is counted by its ACME type; a type that no registry knows is other', async () => {
  const registry = new MetricRegistry()
  const observe = acmeMetrics(registry)
  observe({ ...request, status: 400, problem: { type: 'urn:ietf:params:acme:error:badCSR' } })
  observe({ ...request, status: 400, problem: { type: 'urn:ietf:params:acme:error:madeUp' } })
  observe({ ...request, status: 502, problem: { type: 'about:blank' } })
  const text = await registry.text()
  const of = (type: string, status: number) =>
    `certloom_acme_problems_total{host="ca.example",action="create_order",type="${type}",status="${status}"} 1`
  for (const line of [of('badCSR', 400), of('other', 400), of('other', 502)])
    assert.ok(text.includes(line), line)
})

test('a server over its limit has a series until the time that it named', async () => {
  const registry = new MetricRegistry()
  let now = 1_000_000
  const observe = acmeMetrics(registry, () => now)
  const problem = { type: 'urn:ietf:params:acme:error:rateLimited', until: now + 60_000 }
  observe({ ...request, status: 429, problem })
  observe({ ...request, status: 429, problem: { ...problem, until: now + 30_000 } })
  const line = 'certloom_acme_parked_until_timestamp_seconds{host="ca.example"} 1060\n'
  assert.ok((await registry.text()).includes(line))
  now += 60_000
  assert.ok(!(await registry.text()).includes('parked_until_timestamp_seconds{'))
})

test('however many hosts issuers and servers name, the series stay few', async () => {
  const registry = new MetricRegistry()
  const observe = acmeMetrics(registry)
  for (let at = 0; at < 500; at++) observe({ ...request, url: `https://ca-${at}.example/new-order` })
  const lines = (await registry.text()).split('\n')
  const counts = lines.filter((line) => line.startsWith('certmanager_http_acme_client_request_count{'))
  assert.equal(counts.length, 51)
  assert.ok(counts.some((line) => line.includes('host="other"') && line.endsWith(' 450')))
})
