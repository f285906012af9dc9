import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodePrivateKey } from '../../activities/clients/x509.ts'
import type { Certificate } from '../../k8s-bridge/api/certificate.ts'
import { cell as cellOf, renewalCell } from '../integration/crash/support/cells.ts'
import { check } from '../integration/crash/support/checker.ts'
import type { CellObservation, Observation } from '../integration/crash/support/observation.ts'
import type { AnyObject } from '../integration/support/world.ts'
import { leaf, root } from '../x509/authority.ts'

const from = new Date(Date.now() - 60_000)
const names = ['web.test']
const authority = await root('Root', { from: new Date(0), days: 36_500 })
const issued = await leaf(authority, { dnsNames: names }, { from, days: 90 })
/** Of the same second. */
const twin = await leaf(authority, { dnsNames: names }, { from, days: 90 })
const short = await leaf(authority, { dnsNames: names }, { from, days: 1 })
const older = await leaf(
  authority,
  { dnsNames: names },
  { from: new Date(from.getTime() - 60_000), days: 91 },
)
const otherNames = await leaf(authority, { dnsNames: ['other.test'] }, { from })
const expired = await leaf(authority, { dnsNames: names }, { from: new Date(0), days: 1 })

type Leaf = typeof issued

function secretOf({ chainPem }: Leaf, { key } = issued): AnyObject {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const data = { 'tls.crt': base64(chainPem), 'tls.key': base64(encodePrivateKey(key, 'PKCS8')) }
  return { metadata: { name: 'web-tls' }, data }
}

function request(certificate: string, approved = true, uid = 'u'): AnyObject {
  const conditions = approved ? [{ type: 'Approved', status: 'True' }] : []
  return { metadata: { name: 'web-1', uid }, status: { conditions, certificate } }
}

const certificate = {
  metadata: { name: 'web', namespace: 'test', generation: 1 },
  spec: { secretName: 'web-tls', dnsNames: names, issuerRef: { name: 'ca' } },
  status: { revision: 1, conditions: [{ type: 'Ready', status: 'True', observedGeneration: 1 }] },
} as unknown as Certificate

const now = Date.now()
/** `after`: how many seconds later than the others it was shown. */
const version = (object: unknown, after = 0, type = 'MODIFIED') => ({
  ...{ type, object: object as AnyObject, at: now + after * 1000 },
})

const good: CellObservation = {
  cell: cellOf('acme', 'answer', 'before'),
  names,
  held: true,
  certificate,
  secret: secretOf(issued),
  secretVersions: [version(secretOf(issued))],
  certificateVersions: [version(certificate)],
  requestVersions: [version(request('a'))],
  keys: 1,
  orders: 1,
  finalized: 1,
  pending: 0,
  temporarySecrets: [],
  challenges: [],
  records: [],
  children: [],
  runs: [{ runId: 'r', events: 135, largestPayload: 8192 }],
  isQuiet: true,
  openWorkflows: [],
}
const all: Observation = {
  killer: 'worker-kill',
  at: now + 100_000,
  pipes: { before: 20, now: 22 },
  roots: [authority.certificate],
  cells: [],
  zoneChanges: [],
}

test('a cell where everything went well has nothing to report', () => {
  assert.deepEqual(check(good, all), [])
})

const withStatus = (status: object) => version({ ...certificate, status })
const withRevision = (revision: number) => version({ ...certificate, status: { revision } })

/** One thing that is wrong, and what is said of it. */
const forged: Record<string, [Partial<CellObservation>, RegExp]> = {
  'a point that was never reached': [{ held: false }, /^not reached/],
  'that no run was seen': [{ runs: [] }, /^blind: 0 runs/],
  'that no version of the Certificate was seen': [{ certificateVersions: [] }, /^blind: 0 versions/],
  'that no version of the Secret was seen': [{ secretVersions: [] }, /^blind: 0 certificates in its Secret/],
  'that no key was seen': [{ keys: 0 }, /^blind: 0 next keys/],
  'that no request was seen': [{ requestVersions: [] }, /^blind: 0 signed requests/],
  'that no order was seen': [{ orders: 0 }, /^blind: 0 orders/],
  'that no finalizing was seen': [{ finalized: 0 }, /^blind: 0 finalized orders/],
  'a step that is still under way': [{ isQuiet: false }, /^I5: a step/],
  'an attempt that was counted as failed': [
    { certificateVersions: [withStatus({ failedIssuanceAttempts: 1 })] },
    /^I5: an attempt was counted/,
  ],
  'a Certificate that is gone': [{ certificate: undefined }, /^I5/],
  'a Certificate that is not Ready': [{ certificate: { ...certificate, status: {} } }, /^I5/],
  'a Certificate that is Ready without a Secret': [{ secret: undefined }, /^I1/],
  'a Secret with a foreign key': [{ secret: secretOf(issued, short) }, /^I1: the key does not fit/],
  'a Secret for other names': [{ secret: secretOf(otherNames, otherNames) }, /^I1: its names/],
  'an expired certificate': [{ secret: secretOf(expired, expired) }, /^I1: it is not valid now/],
  'a Secret that is no certificate': [{ secret: { metadata: { name: 'web-tls' }, data: {} } }, /^I1/],
  'a moment with a foreign key': [{ secretVersions: [version(secretOf(issued, short))] }, /^I3/],
  'a moment without a key': [
    { secretVersions: [version(secretOf(issued)), version({ metadata: {}, data: {} })] },
    /^I3/,
  ],
  'a way back to an older certificate': [
    { secretVersions: [version(secretOf(issued)), version(secretOf(short, short))] },
    /^I4/,
  ],
  'a certificate that comes back': [
    {
      secretVersions: [issued, twin, issued].map((one) => version(secretOf(one, one))),
    },
    /^I4: a certificate came back/,
  ],
  'a Secret that was taken away': [
    { secretVersions: [version(secretOf(issued)), version(secretOf(issued), 0, 'DELETED')] },
    /^I4: the Secret was deleted/,
  ],
  'an older certificate that lasts longer': [
    { secretVersions: [version(secretOf(issued)), version(secretOf(older, older))] },
    /^I15/,
  ],
  'a condition of a spec that was not there yet': [
    {
      certificateVersions: [
        version({ ...certificate, metadata: { ...certificate.metadata, generation: 0 } }),
      ],
    },
    /^I15: Ready has observed generation 1 of 0/,
  ],
  'a second certificate for one revision': [
    { requestVersions: [version(request('a')), version(request('b'))] },
    /^I6: 2 certificates/,
  ],
  'a second request for one revision': [
    { requestVersions: [version(request('a')), version(request('a', true, 'v'))] },
    /^I6: 2 requests/,
  ],
  'a second key for one revision': [{ keys: 2 }, /^I6: 2 keys/],
  'a second order that was finalized': [{ finalized: 2 }, /^I6: 2 orders/],
  'an order too many': [{ orders: 2 }, /^I7: 2 orders were made/],
  'an order that waits for its proof': [{ pending: 1 }, /^I7: 1 orders were left pending/],
  'a next key that is left': [{ temporarySecrets: [secretOf(issued)] }, /^I8: Secret/],
  'a Challenge that is left': [{ challenges: [{ metadata: { name: 'c' } }] }, /^I8: Challenge/],
  'a TXT value that is left': [{ records: ['value'] }, /^I8: the TXT value/],
  'a lock that is left': [{ openWorkflows: ['dns-name/x'] }, /^I8: the workflow/],
  'a plugin that still runs': [{ children: [4711] }, /^I9/],
  'a run with too many events': [{ runs: [{ runId: 'r', events: 136, largestPayload: 0 }] }, /^I14.*events/],
  'a run with too much in it': [{ runs: [{ runId: 'r', events: 1, largestPayload: 8193 }] }, /^I14.*bytes/],
  'a revision that goes back': [{ certificateVersions: [withRevision(2), withRevision(1)] }, /^I15/],
  'a signature without approval': [{ requestVersions: [version(request('a', false))] }, /^I17/],
}

for (const [what, [change, said]] of Object.entries(forged)) {
  test(`the checker sees ${what}`, () => {
    const [first = 'nothing'] = check({ ...good, ...change }, all)
    assert.match(first, said)
  })
}

test('the checker sees a chain that leads to no root that was ever seen', async () => {
  const { certificate: stranger } = await root('Stranger', { from })
  assert.match(check(good, { ...all, roots: [stranger] }).join(), /^I1: its chain leads to no root$/)
})

test('only a selfSigned certificate may be its own root', async () => {
  const own = await root('Own', { from })
  const secret = secretOf({ ...issued, chainPem: own.certificate }, { ...issued, key: own.key })
  const leadsNowhere = /its chain leads to no root/
  assert.match(check({ ...good, secret }, all).join(), leadsNowhere)
  const selfSigned = cellOf('selfSigned', 'sign', 'before')
  assert.doesNotMatch(check({ ...good, cell: selfSigned, secret }, all).join(), leadsNowhere)
})

test('an order is forgiven only where its record was cut off', () => {
  const lost = { ...good, cell: cellOf('acme', 'order-recorded', 'before'), orders: 2, pending: 1 }
  assert.deepEqual(check(lost, all), [])
  assert.notDeepEqual(check({ ...lost, orders: 3 }, all), [])
  assert.notDeepEqual(check({ ...lost, pending: 2 }, all), [])
  for (const killer of ['deleted', 'edited', 'temporal-kill', 'api-kill'] as const)
    assert.match(check({ ...lost, orders: 1 }, { ...all, killer }).join(), /I7: 1 orders were left pending/)
})

test('an order and a certificate are forgiven where the CA forgot them, and they were still needed', () => {
  const lost: Observation = { ...all, killer: 'pebble-lost' }
  const forgotten = {
    ...good,
    cell: cellOf('acme', 'finalize', 'after'),
    orders: 2,
    finalized: 2,
    pending: 1,
  }
  assert.deepEqual(check(forgotten, lost), [])
  assert.notDeepEqual(check(forgotten, all), [])
  for (const early of [cellOf('acme', 'key', 'after'), cellOf('acme', 'new-order', 'before')])
    assert.match(check({ ...good, cell: early, orders: 2 }, lost).join(), /I7: 2 orders were made, 1 allowed/)
  const late = cellOf('acme', 'download', 'after')
  assert.match(check({ ...forgotten, cell: late }, lost).join(), /I6: 2 orders were finalized.*I7: 2 orders/)
})

test('Ready may be untrue for a minute, not longer: Secret gone, other names, other key', () => {
  const gone = (after: number) => version(secretOf(issued), after, 'DELETED')
  const judged = (secretVersions: CellObservation['secretVersions'], after = 100) =>
    check({ ...good, secretVersions }, { ...all, at: now + after * 1000 })
      .filter((trouble) => trouble.startsWith('I2'))
      .join()
  const untrue = /^I2: Ready was shown for 6[12] s without being true$/
  assert.match(judged([version(secretOf(issued)), gone(10)], 71), untrue)
  assert.doesNotMatch(judged([version(secretOf(issued)), gone(10)], 70), /I2/)
  assert.doesNotMatch(judged([version(secretOf(issued)), gone(10), version(secretOf(issued), 50)]), /I2/)
  assert.match(judged([version(secretOf(otherNames, otherNames))], 62), untrue)
  assert.match(judged([version(secretOf(issued, short))], 61), /I2/)
  const told = [version(certificate), version({ ...certificate, status: {} }, 60)]
  const seen = { ...good, secretVersions: [version(secretOf(issued)), gone(10)], certificateVersions: told }
  assert.doesNotMatch(check(seen, all).join(), /I2/)
})

test('the checker sees pipes that a plugin left in the worker', () => {
  assert.match(check(good, { ...all, pipes: { before: 20, now: 23 } }).join(), /^I9: the worker has 23 pipes/)
})

test('the checker sees a zone that is not as it was', () => {
  const zoneChanges = ['less: a record of somebody else']
  assert.match(check(good, { ...all, zoneChanges }).join(), /^I8: the zone is not as it was, less/)
})

test('a deleted Certificate is gone, and with it what is the garbage collector to take', () => {
  const owned = { metadata: { name: 'web-next', ownerReferences: [{}] } } as unknown as AnyObject
  const deleted: Observation = { ...all, killer: 'deleted' }
  const unissued = { keys: 0, orders: 0, finalized: 0, secretVersions: [], requestVersions: [] }
  const certificateVersions = [version(certificate), version(certificate, 0, 'DELETED')]
  const gone = { ...good, ...unissued, certificate: undefined, certificateVersions }
  assert.deepEqual(check(gone, deleted), [])
  assert.match(check({ ...gone, certificateVersions: [] }, deleted).join(), /^blind: 0 versions/)
  assert.match(check({ ...gone, openWorkflows: ['certificate/x/web'] }, deleted).join(), /^I8: the workflow/)
  assert.match(check({ ...gone, temporarySecrets: [owned] }, deleted).join(), /^I8: Secret/)
  assert.match(check(good, deleted).join(), /^I5/)
})

test('a renewal has a key, a request, an order and a certificate of its own, and must show both', () => {
  const [run] = good.runs
  assert.ok(run)
  const renewed: CellObservation = {
    ...good,
    cell: renewalCell('acme', 'secret', 'before'),
    ...{ keys: 2, orders: 2, finalized: 2, runs: [run, run] },
    secretVersions: [issued, twin].map((one) => version(secretOf(one, one))),
    requestVersions: [version(request('a')), version(request('b', true, 'v'))],
    secret: secretOf(twin, twin),
  }
  assert.deepEqual(check(renewed, all), [])
  assert.notDeepEqual(check({ ...renewed, orders: 3 }, all), [])
  assert.notDeepEqual(check({ ...renewed, keys: 3 }, all), [])
  assert.match(
    check({ ...renewed, ...good, cell: renewed.cell }, all).join(),
    /^blind: 1 runs.*blind: 1 finalized/,
  )
})
