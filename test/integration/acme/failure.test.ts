import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import type { Certificate } from '../../../k8s-bridge/api/certificate.ts'
import type { CertificateRequest } from '../../../k8s-bridge/api/certificate-request.ts'
import { renewSignal, type StatusAnswer } from '../../../workflows/messages.ts'
import { condition, World } from '../support/world.ts'
import { cleanedUp, clusterIssuer, openSite, orders, txtRecords } from './support/acme-world.ts'

let world: World
before(async () => {
  world = await World.open()
  await world.startController()
})
after(() => world.close())

/** cert-manager's first back-off, in milliseconds. */
const HOUR = 3_600_000

test('a challenge that the CA refuses is counted, told in its words and backed off; a renew skips the wait and a success forgets it', async () => {
  const site = await openSite(world, 'refused', { issuer: false })
  const { namespace, plugin, name, domain, proxy } = site
  try {
    // Without a check of its own, certloom lets the CA find the wrong value.
    const config = { plugin: name, secretRef: { name, key: 'config.json' } }
    const dns01 = { webhook: { groupName: 'certloom.dev', solverName: 'exec', config } }
    const acme = { solvers: [{ dns01, waitInsteadOfSelfCheck: '100ms' }] }
    await world.acmeIssuer(name, { server: proxy.directoryUrl, acme })
    await plugin.feel({ CREATE: { value: 'not-the-value-of-this-challenge' } })
    await world.certificate(namespace, 'web', {
      dnsNames: [domain, `also.${domain}`],
      ...clusterIssuer(name),
    })

    const failed = await world.untilObject<Certificate>(
      'Certificate',
      namespace,
      'web',
      'a failed attempt',
      (one) => one.status?.failedIssuanceAttempts === 1,
      30,
    )
    const issuing = condition(failed, 'Issuing')
    assert.deepEqual([issuing?.status, issuing?.reason], ['False', 'Failed'])
    const upstreamWords =
      /The certificate request has failed to complete and will be retried: .*example\.com: unauthorized: /
    assert.match(issuing?.message ?? '', upstreamWords)
    assert.ok(failed.status?.lastFailureTime)
    assert.equal(failed.status?.nextPrivateKeySecretName, undefined)
    assert.equal(condition(failed, 'Stalled'), undefined)

    const request = await world.get<CertificateRequest>('CertificateRequest', namespace, 'web-1')
    const ready = request?.status?.conditions?.find(({ type }) => type === 'Ready')
    assert.deepEqual([ready?.status, ready?.reason], ['False', 'Failed'])
    assert.match(ready?.message ?? '', /unauthorized: /)
    assert.ok(request?.status?.failureTime)

    const [order] = await orders(world, namespace)
    assert.equal(order?.status?.state, 'invalid')
    assert.match(order?.status?.reason ?? '', /example\.com: unauthorized: /)
    await cleanedUp(world, namespace)
    for (const one of [domain, `also.${domain}`])
      assert.deepEqual(await txtRecords(world, `_acme-challenge.${one}`), [])
    const told = await world.until('the event of the failure', 10, async () =>
      (await world.events(namespace, 'Certificate', 'web')).find(({ type }) => type === 'Warning'),
    )
    assert.deepEqual([told.reason, told.message], ['Failed', issuing?.message])

    const workflow = world.temporal.workflow.getHandle(`certificate/${namespace}/web`)
    const status = await world.until('the back-off', 10, async () => {
      const answer = await workflow.query<StatusAnswer>('status')
      return answer.phase === 'BackingOff' && answer
    })
    const until = /the next attempt at (\S+)/.exec(status.finding)?.[1] ?? ''
    assert.equal(Date.parse(until), Date.parse(failed.status?.lastFailureTime ?? '') + HOUR)
    assert.equal(proxy.orders, 1)

    await plugin.feel({})
    await workflow.signal(renewSignal, { v: 1, reason: 'the provider was mended' })
    const mended = await world.ready(namespace, 'web')
    assert.deepEqual(
      [mended.status?.failedIssuanceAttempts, mended.status?.lastFailureTime],
      [undefined, undefined],
    )
    assert.equal(mended.status?.revision, 1)
    assert.equal(proxy.orders, 2)
  } finally {
    await proxy.close()
  }
})

test('an order that the CA refuses is counted with the words of the CA, and a corrected spec is tried at once', async () => {
  const site = await openSite(world, 'rejected')
  const { namespace, name, domain, proxy } = site
  try {
    // Pebble knows no name with an underscore.
    await world.certificate(namespace, 'web', { dnsNames: [`a_b.${domain}`], ...clusterIssuer(name) })
    const failed = await world.untilObject<Certificate>(
      'Certificate',
      namespace,
      'web',
      'a failed attempt',
      (one) => one.status?.failedIssuanceAttempts === 1,
      30,
    )
    assert.match(condition(failed, 'Issuing')?.message ?? '', /malformed: .*illegal character: '_'/)
    assert.equal(proxy.orders, 0)

    await world.certificate(namespace, 'web', { dnsNames: [domain], ...clusterIssuer(name) })
    const mended = await world.ready(namespace, 'web')
    assert.equal(mended.status?.failedIssuanceAttempts, undefined)
  } finally {
    await proxy.close()
  }
})

test('a CA that takes its time to sign is asked again when it says, and the Certificate says what it waits for', async () => {
  const site = await openSite(world, 'signing')
  const { namespace, name, domain, proxy } = site
  try {
    proxy.signForEver(600)
    await world.certificate(namespace, 'web', { dnsNames: [domain], ...clusterIssuer(name) })
    const waiting = await world.untilObject<Certificate>(
      'Certificate',
      namespace,
      'web',
      'the wait for the signature',
      (one) => condition(one, 'Stalled')?.reason === 'SigningPending',
      30,
    )
    assert.match(
      condition(waiting, 'Stalled')?.message ?? '',
      /is processing at the CA\. .*Waiting for the operator of the CA/,
    )
    assert.equal(waiting.status?.failedIssuanceAttempts, undefined)
    const workflow = world.temporal.workflow.getHandle(`certificate/${namespace}/web`)
    await world.until('the workflow waits', 10, async () => {
      const { phase, finding } = await workflow.query<StatusAnswer>('status')
      return phase === 'Blocked' && finding.includes('is processing at the CA')
    })
    // Two early looks after the finalization; then the CA counts.
    assert.equal(proxy.to('my-order').filter(({ state }) => state === 'processing').length, 2)
    await world.remove('Certificate', namespace, 'web')
  } finally {
    await proxy.close()
  }
})
