import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { metricsPage, servedMetrics } from '../../tools/docs/metrics-page.ts'
import { isFailureCode } from '../../workflows/domain/failures.ts'
import { readSource } from './source.ts'

const page = readSource('docs/metrics.md')
const { both, worker, bridge } = servedMetrics()
const served = new Map([...both, ...worker, ...bridge].map((one) => [one.name, one]))

test('docs/metrics.md has every metric that is served, as it is described, and no other', () => {
  assert.equal(page, metricsPage(page), 'run "npm run docs"')
  const rows = [...page.matchAll(/^\| `(cert(?:manager|loom)_\w+)` \|/gm)].map(([, name]) => name)
  assert.deepEqual(rows.toSorted(), [...served.keys()].toSorted())
})

test("cert-manager's metrics have their names and labels (reference: cert-manager v1.21)", () => {
  const names = ['name', 'namespace', 'issuer_name', 'issuer_kind', 'issuer_group']
  const request = ['scheme', 'host', 'action', 'method', 'status']
  const expected: Record<string, string[]> = {
    certmanager_clock_time_seconds: [],
    certmanager_clock_time_seconds_gauge: [],
    certmanager_certificate_ready_status: [...names, 'condition'],
    certmanager_certificate_expiration_timestamp_seconds: names,
    certmanager_certificate_renewal_timestamp_seconds: names,
    certmanager_certificate_not_after_timestamp_seconds: names,
    certmanager_certificate_not_before_timestamp_seconds: names,
    certmanager_certificate_challenge_status: [
      ...['status', 'domain', 'reason', 'processing', 'name', 'namespace', 'type'],
    ],
    certmanager_issuer_ready_status: ['name', 'namespace', 'condition'],
    certmanager_clusterissuer_ready_status: ['name', 'condition'],
    certmanager_http_acme_client_request_count: request,
    certmanager_http_acme_client_request_duration_seconds: request,
    certmanager_controller_sync_call_count: ['controller'],
    certmanager_controller_sync_error_count: ['controller'],
  }
  const found = [...served.values()].filter(({ name }) => name.startsWith('certmanager_'))
  assert.deepEqual(
    Object.fromEntries(found.map(({ name, labels }) => [name, labels.toSorted()])),
    Object.fromEntries(Object.entries(expected).map(([name, labels]) => [name, labels.toSorted()])),
  )
})

interface Rule {
  alert: string
  expr: string
  annotations: { summary: string }
}
const alerts = (
  parse(readSource('examples/monitoring/alerts.yaml')) as { groups: { rules: Rule[] }[] }
).groups.flatMap(({ rules }) => rules)

test('every metric and label of the alert rules is served', () => {
  assert.ok(alerts.length >= 10)
  for (const { alert, expr, annotations } of alerts) {
    const names = [...expr.matchAll(/\b(cert(?:manager|loom)_\w+)/g)].map(([, name]) => name ?? '')
    assert.ok(names.length > 0, alert)
    const metrics = names.map((name) => served.get(name))
    assert.ok(
      metrics.every((one) => one !== undefined),
      `${alert}: ${names.join(', ')}`,
    )
    const labels = new Set(metrics.flatMap((one) => one?.labels ?? []))
    const used = [
      ...[...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label ?? ''),
      ...[...expr.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', ')),
      ...[...expr.matchAll(/[{,](\w+)=/g)].map(([, label]) => label ?? ''),
    ]
    for (const label of used) assert.ok(labels.has(label), `${alert}: label ${label}`)
    for (const [, code] of expr.matchAll(/code="(\w+)"/g)) assert.ok(isFailureCode(code), `${alert}: ${code}`)
  }
})
