import assert from 'node:assert/strict'
import { test } from 'node:test'
import { certManagerFamilies } from '../../k8s-bridge/metrics/cert-manager.ts'
import { certificateFamilies } from '../../k8s-bridge/metrics/certificates.ts'
import { ExpiryWatch } from '../../k8s-bridge/metrics/expiry.ts'
import type { MetricFamily } from '../../k8s-bridge/metrics/family.ts'
import { Issuances, type Issuance } from '../../k8s-bridge/metrics/issuances.ts'
import { bridgeFamilies } from '../../k8s-bridge/metrics/bridge.ts'
import { MetricRegistry } from '../../workers/telemetry/registry.ts'
import { recordingLogger } from './support/harness.ts'
import { certificate, challenge, issuer, stores } from './support/kept.ts'

const NOW = Date.parse('2026-03-01T00:00:00.500Z')

test('a certificate has the series that cert-manager serves, byte for byte, and they vanish with it', async () => {
  const { observed, certificates } = stores()
  const text = served(certManagerFamilies(observed, () => NOW))
  const dates = {
    notBefore: '2026-02-01T00:00:00Z',
    notAfter: '2026-05-01T00:00:00Z',
    renewalTime: '2026-04-01T00:00:00Z',
  }
  certificates.put(certificate({ ready: 'True', ...dates }))
  const issuerLabels = 'issuer_name="ca",issuer_kind="Issuer",issuer_group="cert-manager.io"'
  assert.equal(
    await text('certmanager_certificate_ready_status'),
    [
      '# HELP certmanager_certificate_ready_status The ready status of the certificate.',
      '# TYPE certmanager_certificate_ready_status gauge',
      `certmanager_certificate_ready_status{name="web",namespace="shop",condition="True",${issuerLabels}} 1`,
      `certmanager_certificate_ready_status{name="web",namespace="shop",condition="False",${issuerLabels}} 0`,
      `certmanager_certificate_ready_status{name="web",namespace="shop",condition="Unknown",${issuerLabels}} 0`,
    ].join('\n'),
  )
  for (const [what, time] of [
    ['not_before', dates.notBefore],
    ['not_after', dates.notAfter],
    ['expiration', dates.notAfter],
    ['renewal', dates.renewalTime],
  ] as const) {
    const name = `certmanager_certificate_${what}_timestamp_seconds`
    const line = `${name}{name="web",namespace="shop",${issuerLabels}} ${Date.parse(time) / 1000}`
    assert.ok((await text(name)).endsWith(line), await text(name))
  }
  certificates.remove('shop/web')
  assert.equal((await text('certmanager_certificate_ready_status')).split('\n').length, 2)
  assert.equal((await text('certmanager_certificate_expiration_timestamp_seconds')).split('\n').length, 2)
})

test('a certificate that was never issued is Unknown, and its times are 0 as upstream has it', async () => {
  const { observed, certificates } = stores()
  const text = served(certManagerFamilies(observed, () => NOW))
  certificates.put(certificate())
  assert.match(await text('certmanager_certificate_ready_status'), /condition="Unknown",.*} 1$/m)
  assert.match(await text('certmanager_certificate_expiration_timestamp_seconds'), /} 0$/)
})

test('issuers are ready as their condition says, and the clock is that of the process', async () => {
  const { observed, issuers, clusterIssuers } = stores()
  const text = served(certManagerFamilies(observed, () => NOW))
  issuers.put(issuer('ca', { ca: {} }, 'True', 'shop'))
  clusterIssuers.put(issuer('acme', { acme: {} }))
  assert.match(
    await text('certmanager_issuer_ready_status'),
    /{name="ca",namespace="shop",condition="True"} 1/,
  )
  assert.match(await text('certmanager_clusterissuer_ready_status'), /{name="acme",condition="Unknown"} 1/)
  assert.match(
    await text('certmanager_clock_time_seconds'),
    new RegExp(`counter\n.* ${Math.floor(NOW / 1000)}$`),
  )
  assert.match(
    await text('certmanager_clock_time_seconds_gauge'),
    new RegExp(`gauge\n.* ${Math.floor(NOW / 1000)}$`),
  )
})

test('a challenge has one series a state; its reason is escaped', async () => {
  const { observed, challenges } = stores()
  const text = served(certManagerFamilies(observed, () => NOW))
  challenges.put(challenge('one', 'pending'))
  const lines = (await text('certmanager_certificate_challenge_status')).split('\n').slice(2)
  assert.equal(lines.length, 8)
  const rest = String.raw`domain="example.com",reason="waiting \"here\"",processing="true",name="one",namespace="shop",type="DNS-01"`
  assert.ok(
    lines.includes(`certmanager_certificate_challenge_status{status="pending",${rest}} 1`),
    lines.join('\n'),
  )
  assert.equal(lines.filter((line) => line.endsWith('} 0')).length, 7)
})

test('certificates are counted by what they do; a reason that is no code of ours makes no series of its own', async () => {
  const { observed, certificates } = stores()
  const text = served(certificateFamilies(observed))
  certificates.put(certificate({ name: 'a', ready: 'True' }))
  certificates.put(certificate({ name: 'b', issuing: true }))
  certificates.put(certificate({ name: 'c', issuing: true, stalled: 'PluginMissing' }))
  certificates.put(certificate({ name: 'd', stalled: 'PluginMissing' }))
  certificates.put(certificate({ name: 'e', stalled: 'Whatever somebody wrote' }))
  certificates.put(certificate({ name: 'f', failures: 2 }))
  certificates.put(certificate({ name: 'g', paused: true, stalled: 'NoSolver' }))
  assert.deepEqual((await text('certloom_certificates')).split('\n').slice(2).sort(), [
    'certloom_certificates{state="BackingOff",code=""} 1',
    'certloom_certificates{state="Blocked",code="PluginMissing"} 2',
    'certloom_certificates{state="Blocked",code="other"} 1',
    'certloom_certificates{state="Issuing",code=""} 1',
    'certloom_certificates{state="Paused",code=""} 1',
    'certloom_certificates{state="Waiting",code=""} 1',
  ])
})

test('a record is needed while its challenge is open, and a clean-up is pending once that is over', async () => {
  const { observed, challenges } = stores()
  const text = served(certificateFamilies(observed))
  challenges.put(challenge('open', 'pending', { record: true }))
  challenges.put(challenge('proven', 'valid', { record: true }))
  challenges.put(challenge('going', 'pending', { record: true, deleted: true }))
  challenges.put(challenge('clean', 'valid'))
  const lines = (await text('certloom_challenge_records')).split('\n').slice(2)
  assert.deepEqual(lines, [
    'certloom_challenge_records{state="needed"} 1',
    'certloom_challenge_records{state="cleanUpPending"} 2',
  ])
})

test('what is overdue or expired is told once, with what it is doing, and is counted until it is renewed', async () => {
  const { observed, certificates } = stores()
  const logger = recordingLogger()
  let [now, mayAct] = [NOW, false]
  const watch = new ExpiryWatch({ stores: observed, logger, mayAct: () => mayAct, now: () => now })
  const text = served(watch.families())
  const soon = { notBefore: '2026-02-01T00:00:00Z', notAfter: '2026-03-02T00:00:00Z' }
  certificates.put(certificate({ name: 'due', ...soon, renewalTime: '2026-02-28T23:50:00Z' }))
  certificates.put(
    certificate({ name: 'late', ...soon, renewalTime: '2026-02-28T00:00:00Z', stalled: 'NoSolver' }),
  )
  assert.match(await text('certloom_certificates_overdue'), /{state="Blocked"} 1/)
  assert.match(await text('certloom_certificates_overdue'), /{state="Waiting"} 0/)
  assert.match(
    await text('certloom_certificate_overdue_seconds'),
    /{namespace="shop",name="late",state="Blocked"} 86400$/,
  )
  assert.match(await text('certloom_next_expiry_seconds'), / 86400$/)
  watch.look()
  assert.deepEqual(logger.lines, [])
  mayAct = true
  watch.look()
  watch.look()
  assert.deepEqual(
    logger.lines.map(({ level, facts, message }) => ({
      level,
      message,
      ...(facts as Record<string, unknown>),
    })),
    [
      {
        level: 'warn',
        message: 'certificate is not renewed in time',
        certificate: 'shop/late',
        renewalTime: '2026-02-28T00:00:00.000Z',
        state: 'Blocked',
        code: 'NoSolver',
      },
    ],
  )
  now += 2 * 86_400_000
  watch.look()
  assert.equal(logger.lines.filter(({ message }) => message === 'certificate has expired').length, 2)
  assert.match(await text('certloom_certificates_expired'), / 2$/)
  assert.equal((await text('certloom_next_expiry_seconds')).split('\n').length, 2)
})

test('an issuance is timed from Issuing=True to its end; one whose beginning was not seen is not', () => {
  const seen: Issuance[] = []
  let now = 1_000
  const issuances = new Issuances(
    (name) => (name === 'Issuer/shop/ca' ? 'ca' : ''),
    (one) => seen.push(one),
    () => now,
  )
  const { certificates } = stores()
  const quiet = certificates.put(certificate())
  const issuing = certificates.put(certificate({ issuing: true }))
  issuances.onUpdate(quiet, issuing)
  issuances.onUpdate(issuing, quiet)
  now += 1_500
  issuances.onUpdate(certificates.put(certificate({ ready: 'True' })), issuing)
  issuances.onUpdate(issuing, quiet)
  now += 500
  issuances.onUpdate(certificates.put(certificate({ failures: 1 })), issuing)
  assert.deepEqual(seen, [
    { issuerType: 'ca', outcome: 'issued', seconds: 1.5 },
    { issuerType: 'ca', outcome: 'failed', seconds: 0.5 },
  ])
})

test('doorbells and informers are served as they are, and stand for the sync counters of cert-manager', async () => {
  const quiet = { rung: 0, skipped: 0, failed: 0 }
  const health = { lists: 2, relists: 1, watches: 3, failures: 4, ended: false, lastEventAt: NOW - 3_000 }
  const bridge = {
    doorbells: { Certificate: { rung: 3, skipped: 5, failed: 1 }, Issuer: quiet, ClusterIssuer: quiet },
    troubled: new Map([['NonDeterministicError', 2]]),
    waiting: 7,
    compared: true,
    informers: () => [{ ...health, name: 'certificates', synced: true, objects: 9, handlerFailures: 0 }],
  }
  const text = served(bridgeFamilies(bridge, { isHolder: () => true }, () => NOW))
  assert.match(await text('certloom_doorbells_total'), /{kind="Certificate",result="skipped"} 5/)
  assert.match(await text('certmanager_controller_sync_call_count'), /{controller="certificates-trigger"} 9/)
  assert.match(await text('certmanager_controller_sync_error_count'), /{controller="certificates-trigger"} 1/)
  assert.match(await text('certloom_informer_event_age_seconds'), /{resource="certificates"} 3$/)
  assert.match(await text('certloom_informer_objects'), /{resource="certificates"} 9$/)
  assert.match(await text('certloom_workflows_troubled'), /{cause="NonDeterministicError"} 2$/)
  assert.match(await text('certloom_lease_holder'), / 1$/)
})

/** The text of one metric, without what follows it. */
function served(families: MetricFamily[]): (name: string) => Promise<string> {
  const registry = new MetricRegistry()
  registry.add(...families)
  return async (name) => {
    const text = (await registry.text()).split('\n\n').find((part) => part.startsWith(`# HELP ${name} `))
    assert.ok(text !== undefined, `${name} is not served`)
    return text.trim()
  }
}
