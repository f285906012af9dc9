import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseCertificate } from '../../../activities/clients/x509.ts'
import type { Certificate } from '../../../k8s-bridge/api/certificate.ts'
import type { CertificateRequest } from '../../../k8s-bridge/api/certificate-request.ts'
import { apiPath } from '../../../k8s-bridge/api/kinds.ts'
import { condition, World } from '../support/world.ts'
import {
  approve,
  certificateId,
  deny,
  quiet,
  runsOf,
  selfSignedIssuer,
  statusOf,
  temporalCli,
  temporarySecrets,
  timersFired,
  untilPhase,
} from './support/operator.ts'
import { Recording } from './support/recording.ts'

// Nobody approves but the test, so an attempt stays under way for as long as the test wants.
let world: World
let namespace: string
let requests: Recording

before(async () => {
  world = await World.open()
  await world.startController('all', { CERTLOOM_APPROVE: 'false' })
  namespace = await world.namespace('under-way')
  await selfSignedIssuer(world, namespace)
  requests = await Recording.start(world.kubernetes, apiPath('CertificateRequest', namespace))
})

after(() => world.close())

test('an attempt that waits for approval says so, counts nothing and goes on by itself once approved', async () => {
  const waiting = await begin('plain')
  assert.equal(condition(waiting, 'Stalled')?.reason, 'NotApproved')
  assert.equal(condition(waiting, 'Issuing')?.reason, 'DoesNotExist')
  const looks = await timersFired(world, namespace, 'plain')
  await approve(world, namespace, 'plain-1')
  const ready = await world.ready(namespace, 'plain', { revision: 1 })
  assert.equal(await timersFired(world, namespace, 'plain'), looks, 'it was found by looking again')
  assert.equal(condition(ready, 'Stalled'), undefined)
  assert.equal(ready.status?.failedIssuanceAttempts, undefined)
  assert.deepEqual(made('plain'), ['plain-1'])
})

test('other names while an attempt is under way replace its request; what is issued has the new names', async () => {
  await begin('edited')
  const old = await world.get<CertificateRequest>('CertificateRequest', namespace, 'edited-1')
  await world.certificate(namespace, 'edited', { dnsNames: ['new.test'], issuerRef: { name: 'self' } })
  await requests.until('another request', (one, type) => {
    return type === 'ADDED' && one.metadata.name === 'edited-1' && one.metadata.uid !== old?.metadata.uid
  })
  await approve(world, namespace, 'edited-1')
  const ready = await world.ready(namespace, 'edited', { revision: 1, seconds: 10 })
  assert.equal(ready.status?.failedIssuanceAttempts, undefined)
  assert.deepEqual(parseCertificate(await pem('edited-tls', 'tls.crt')).dnsNames, ['new.test'])
  assert.deepEqual(made('edited'), ['edited-1', 'edited-1'])
})

test('another Secret template while an attempt is under way is applied at the end, and the request stays', async () => {
  await begin('templated')
  await world.certificate(namespace, 'templated', {
    dnsNames: ['templated.test'],
    issuerRef: { name: 'self' },
    secretTemplate: { labels: { team: 'shop' } },
  })
  await approve(world, namespace, 'templated-1')
  await world.ready(namespace, 'templated', { revision: 1, seconds: 10 })
  const secret = await world.get('Secret', namespace, 'templated-tls')
  assert.equal((secret?.metadata['labels'] as Record<string, string>)['team'], 'shop')
  assert.deepEqual(made('templated'), ['templated-1'])
})

test('a request that is deleted under way is made again with the same key', async () => {
  await begin('remade')
  const old = await world.get<CertificateRequest>('CertificateRequest', namespace, 'remade-1')
  const [key] = await temporarySecrets(world, namespace)
  await world.remove('CertificateRequest', namespace, 'remade-1')
  const again = await requests.until('made again', (one, type) => {
    return type === 'ADDED' && one.metadata.name === 'remade-1' && one.metadata.uid !== old?.metadata.uid
  })
  const annotations = again.metadata['annotations'] as Record<string, string>
  assert.equal(annotations['cert-manager.io/private-key-secret-name'], key)
  await approve(world, namespace, 'remade-1')
  await world.ready(namespace, 'remade', { revision: 1, seconds: 10 })
})

test('a request for an external issuer that is deleted under way is made again, and nothing is counted', async () => {
  const issuerRef = { group: 'issuers.example.com', kind: 'Issuer', name: 'theirs' }
  await world.certificate(namespace, 'foreign', { dnsNames: ['foreign.test'], issuerRef })
  const made = (than?: string) =>
    requests.until('a request', (one, type) => {
      return type === 'ADDED' && one.metadata.name === 'foreign-1' && one.metadata.uid !== than
    })
  const old = await made()
  await untilPhase(world, namespace, 'foreign', 'Blocked')
  await world.remove('CertificateRequest', namespace, 'foreign-1')
  await made(old.metadata.uid)
  const certificate = await world.get<Certificate>('Certificate', namespace, 'foreign')
  assert.equal(certificate?.status?.failedIssuanceAttempts, undefined)
  await world.remove('Certificate', namespace, 'foreign')
})

test('a wish to renew under way is answered with the running attempt and makes no second revision', async () => {
  await begin('asked')
  const answer = await world.temporal.workflow
    .getHandle(certificateId(namespace, 'asked'))
    .executeUpdate('renewNow')
  assert.deepEqual(answer, { attempt: 1 })
  await world.cmctlRenew(namespace, 'asked')
  await approve(world, namespace, 'asked-1')
  await world.ready(namespace, 'asked', { revision: 1, seconds: 10 })
  await quiet(world, namespace, 'asked', { byHand: true })
  assert.equal((await world.ready(namespace, 'asked')).status?.revision, 1)
  assert.deepEqual(made('asked'), ['asked-1'])
})

test('pause takes effect after the attempt under way', async () => {
  await begin('paused')
  await temporalCli(world, 'workflow', 'signal', '--workflow-id', id('paused'), '--name', 'pause')
  await approve(world, namespace, 'paused-1')
  await world.ready(namespace, 'paused', { revision: 1, seconds: 10 })
  await untilPhase(world, namespace, 'paused', 'Paused')
  await world.remove('Secret', namespace, 'paused-tls')
  await quiet(world, namespace, 'paused', { phase: 'Paused', byHand: true })
  assert.equal(await world.get('CertificateRequest', namespace, 'paused-2'), undefined)
  const input = ['--input', '{"on": false}']
  await temporalCli(world, 'workflow', 'signal', '--workflow-id', id('paused'), '--name', 'pause', ...input)
  await approve(world, namespace, 'paused-2')
  await world.ready(namespace, 'paused', { revision: 2, seconds: 10 })
})

test('a Certificate that is deleted under way leaves no request, no key, no Secret and no open workflow', async () => {
  await begin('deleted')
  await world.remove('Certificate', namespace, 'deleted')
  await world.until(
    'the workflow is done',
    15,
    async () => (await runsOf(world, id('deleted')))[0]?.status === 'COMPLETED',
  )
  await world.untilGone('CertificateRequest', namespace, 'deleted-1')
  await world.until('no next key is left', 15, async () => {
    return !(await temporarySecrets(world, namespace)).some((name) => name.startsWith('deleted-'))
  })
  assert.equal(await world.get('Secret', namespace, 'deleted-tls'), undefined)
})

test('cancel gives the attempt up, cleans up after it and backs off; renew tries again at once', async () => {
  await begin('cancelled')
  await temporalCli(world, 'workflow', 'cancel', '--workflow-id', id('cancelled'))
  const failed = await world.untilObject<Certificate>(
    'Certificate',
    namespace,
    'cancelled',
    'given up',
    (one) => condition(one, 'Issuing')?.status === 'False',
  )
  assert.equal(failed.status?.nextPrivateKeySecretName, undefined)
  await untilPhase(world, namespace, 'cancelled', 'BackingOff')
  assert.deepEqual(
    (await temporarySecrets(world, namespace)).filter((name) => name.startsWith('cancelled-')),
    [],
  )
  await temporalCli(world, 'workflow', 'signal', '--workflow-id', id('cancelled'), '--name', 'renew')
  await world.untilObject<Certificate>('Certificate', namespace, 'cancelled', 'Issuing', (one) => {
    return condition(one, 'Stalled')?.reason === 'NotApproved'
  })
  await approve(world, namespace, 'cancelled-1')
  await world.ready(namespace, 'cancelled', { revision: 1, seconds: 10 })
})

test('a denied request counts as a failure in upstream’s words, and the next attempt waits an hour', async () => {
  await begin('denied')
  await deny(world, namespace, 'denied-1')
  await untilDenied('denied')
  const failed = await world.get<Certificate>('Certificate', namespace, 'denied')
  assert.ok(failed)
  const issuing = condition(failed, 'Issuing')
  const message = 'The certificate request has failed to complete and will be retried: not this name'
  assert.deepEqual([issuing?.reason, issuing?.message], ['Reviewed', message])
  assert.equal(condition(failed, 'Ready')?.status, 'False')
  assert.equal(failed.status?.failedIssuanceAttempts, 1)
  assert.equal(failed.status?.nextPrivateKeySecretName, undefined)
  assert.deepEqual(
    (await temporarySecrets(world, namespace)).filter((name) => name.startsWith('denied-')),
    [],
  )

  const request = await world.get<CertificateRequest>('CertificateRequest', namespace, 'denied-1')
  const ready = request?.status?.conditions?.find(({ type }) => type === 'Ready')
  assert.deepEqual(
    [ready?.status, ready?.reason, ready?.message],
    ['False', 'Denied', 'The CertificateRequest was denied by an approval controller'],
  )
  assert.ok(request?.status?.failureTime)
  await world.until('the event of the denial', 10, async () =>
    (await world.events(namespace, 'Certificate', 'denied')).some(
      (event) => event.type === 'Warning' && event.reason === 'Reviewed' && event.message === message,
    ),
  )

  const status = await untilPhase(world, namespace, 'denied', 'BackingOff')
  const next = new Date(Date.parse(failed.status.lastFailureTime ?? '') + 3_600_000).toISOString()
  assert.ok(status.finding.includes(next), `${status.finding} names ${next}`)
  // An annotation rings nobody awake who must wait.
  await world.kubernetes.merge(apiPath('Certificate', namespace, 'denied'), {
    metadata: { annotations: { a: 'b' } },
  })
  await quiet(world, namespace, 'denied', { phase: 'BackingOff', byHand: true })
  assert.deepEqual(made('denied'), ['denied-1'])
})

test('renew skips the back-off, and success clears what the failure left', async () => {
  await temporalCli(world, 'workflow', 'signal', '--workflow-id', id('denied'), '--name', 'renew')
  await requests.until('another request', () => made('denied').length === 2)
  await approve(world, namespace, 'denied-1')
  const { status } = await world.ready(namespace, 'denied', { revision: 1, seconds: 10 })
  assert.equal(status?.failedIssuanceAttempts, undefined)
  assert.equal(status?.lastFailureTime, undefined)
})

test('another spec skips the back-off too', async () => {
  await begin('denied-too')
  await deny(world, namespace, 'denied-too-1')
  await untilDenied('denied-too')
  await untilPhase(world, namespace, 'denied-too', 'BackingOff')
  await world.certificate(namespace, 'denied-too', {
    dnsNames: ['allowed.test'],
    issuerRef: { name: 'self' },
  })
  await requests.until('another request', () => made('denied-too').length === 2)
  await approve(world, namespace, 'denied-too-1')
  await world.ready(namespace, 'denied-too', { revision: 1, seconds: 10 })
})

test('a failed renewal leaves the valid Secret as it was', async () => {
  const before = await pem('plain-tls', 'tls.crt')
  await world.cmctlRenew(namespace, 'plain')
  await deny(world, namespace, 'plain-2')
  await untilDenied('plain')
  assert.equal(await pem('plain-tls', 'tls.crt'), before)
  const failed = await world.get<Certificate>('Certificate', namespace, 'plain')
  assert.ok(failed)
  assert.equal(condition(failed, 'Ready')?.status, 'True')
  assert.equal(failed.status?.revision, 1)
  // What is in the Secret is in order, so there is nothing to try again.
  await untilPhase(world, namespace, 'plain', 'Waiting')
  requests.stop()
})

/** Applies a Certificate and waits until its attempt waits for approval. */
async function begin(name: string): Promise<Certificate> {
  await world.certificate(namespace, name, { dnsNames: [`${name}.test`], issuerRef: { name: 'self' } })
  const found = await world.untilObject<Certificate>(
    'Certificate',
    namespace,
    name,
    'waits for approval',
    (one) => condition(one, 'Stalled')?.reason === 'NotApproved',
  )
  assert.equal((await statusOf(world, namespace, name)).attempt, 1)
  return found
}

async function untilDenied(name: string): Promise<void> {
  await world.untilObject<Certificate>('Certificate', namespace, name, 'failed', (one) => {
    return condition(one, 'Issuing')?.status === 'False'
  })
}

function made(name: string): string[] {
  return requests.created().filter((one) => new RegExp(`^${name}-\\d+$`).test(one))
}

function id(name: string): string {
  return certificateId(namespace, name)
}

async function pem(secret: string, key: string): Promise<string> {
  const found = await world.get('Secret', namespace, secret)
  return Buffer.from(found?.data?.[key] ?? '', 'base64').toString()
}
